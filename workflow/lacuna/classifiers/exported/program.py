"""A program that the user made with torch.export, as a classifier.

Such a file is a graph of tensor operations, not Python, but torch unpickles parts of it and evaluates its expressions,
so loading it is running what its maker wrote: it must be the user's own. Nothing that `fetch` has downloaded is loaded
this way (`check_config` refuses it).
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export.passes import move_to_device_pass

from lacuna.classifiers.classifier import Classifier
from lacuna.errors import UserError


def load(checkpoint: str | Path, settings: Mapping[str, Any], device: torch.device) -> Classifier:
    """The user's own exported program; `settings` say its `size` and its `classes` (a number, or names).

    Raises:
        UserError: not such a file, another input size, or another number of outputs.
    """
    if not zipfile.is_zipfile(checkpoint):
        raise UserError(f"{checkpoint}: not a readable exported program; save one with torch.export.save")
    # The pass moves constants and device arguments too; `.to` would leave them where the program was exported.
    program = move_to_device_pass(torch.export.load(str(checkpoint)), device).module()
    size, classes = settings["size"], settings["classes"]
    names = [f"class {k}" for k in range(classes)] if isinstance(classes, int) else list(classes)
    try:
        with torch.no_grad():
            scores = program(torch.zeros(2, 3, size, size, device=device))
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{checkpoint}: takes no batch of 2 images of {size}x{size} pixels ({reason}); correct the classifier's "
            "size, or export it with a dynamic batch"
        ) from None
    shape = tuple(getattr(scores, "shape", ()))
    if shape != (2, len(names)):
        raise UserError(
            f"{checkpoint}: 2 images give {type(scores).__name__} of shape {shape}, expected (2, {len(names)}), "
            "a score for each of the configured classes; correct `classes` or export the program's scores alone"
        )
    return Classifier(program, names, size, device)
