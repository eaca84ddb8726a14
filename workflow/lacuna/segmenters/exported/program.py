"""A program that the user made with torch.export, as a segmenter.

Such a file is a graph of tensor operations, not Python, but torch unpickles parts of it and evaluates its expressions,
so loading it is running what its maker wrote: it must be the user's own. Nothing that `fetch` has brought is loaded
this way (`check_config` refuses it).
"""

import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.export.passes import move_to_device_pass

from lacuna.errors import UserError
from lacuna.formats import class_lists
from lacuna.segmenters.programs import Form, ProgramScorer, completed, normalisation
from lacuna.segmenters.scored import ScoredSegmenter, class_names
from lacuna.segmenters.segmenter import CPU


def load(checkpoint: str | Path, settings: Mapping[str, Any]) -> ScoredSegmenter:
    """The user's own exported program.

    Args:
        settings: of its entry, see `ProgramEntry`.

    Raises:
        UserError: no such file, or an input that the settings do not describe.
    """
    if not zipfile.is_zipfile(checkpoint):
        raise UserError(f"{checkpoint}: not a readable exported program; save one with torch.export.save")
    settings, name = completed(settings, Path(checkpoint)), f"exported segmenter {checkpoint}"
    names = class_names(class_lists.given(settings["labels"]), name)
    form = Form(settings["layout"], settings["size"], len(names), name)
    program = torch.export.load(str(checkpoint))
    return ScoredSegmenter(on_device(program, form, CPU), names, normalisation(settings), form.size, name)


def on_device(program: torch.export.ExportedProgram, form: Form, device: torch.device) -> ProgramScorer:
    """The program, ready on a device; the pass moves constants and device arguments too, which `.to` would not."""
    moved = move_to_device_pass(program, device)
    batch = form.check_input(input_shape(moved, form.name))
    return ProgramScorer(moved.module(), form, batch, partial(on_device, program, form))


def input_shape(program: torch.export.ExportedProgram, name: str) -> list[int | None]:
    """Lengths of the axes of the only input, None where any will do."""
    inputs = program.graph_signature.user_inputs
    if len(inputs) != 1:
        raise UserError(f"{name}: takes {len(inputs)} inputs, expected one, the images; export the network alone")
    node = next(node for node in program.graph.nodes if node.name == inputs[0])
    return [side if isinstance(side, int) else None for side in node.meta["val"].shape]
