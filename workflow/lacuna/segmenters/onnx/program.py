"""An ONNX file as a segmenter: onnxruntime on the CPU, or on the GPU where it was built for one.

Nothing of such a file is Python; it is a graph of operations that onnxruntime knows.
"""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import class_lists
from lacuna.segmenters.programs import Form, ProgramScorer, completed, normalisation
from lacuna.segmenters.scored import ScoredSegmenter, class_names
from lacuna.segmenters.segmenter import CPU

log = logging.getLogger(__name__)


def load(checkpoint: str | Path, settings: Mapping[str, Any]) -> ScoredSegmenter:
    """The segmenter of an ONNX file.

    Args:
        settings: of its entry, see `ProgramEntry`.

    Raises:
        UserError: no such file, one that onnxruntime cannot run, or an input that the settings do not describe.
    """
    settings, name = completed(settings, Path(checkpoint)), f"onnx segmenter {checkpoint}"
    names = class_names(class_lists.given(settings["labels"]), name)
    form = Form(settings["layout"], settings["size"], len(names), name)
    return ScoredSegmenter(opened(Path(checkpoint), form, CPU), names, normalisation(settings), form.size, name)


def opened(path: Path, form: Form, device: torch.device) -> ProgramScorer:
    """The program, ready on a device."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such ONNX file; correct the checkpoint")
    runtime = library()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, providers=providers(device))
    except errors() as error:
        raise UserError(
            f"{path}: onnxruntime {runtime.__version__} does not open it ({first_line(error)}); export it for an opset "
            "that this version knows, with its weights beside it"
        ) from None
    taken = session.get_inputs()
    if len(taken) != 1 or taken[0].type != "tensor(float)":
        found = ", ".join(f"{one.name} {one.type}" for one in taken)
        raise UserError(f"{path}: takes {found}, expected one image of tensor(float); export the network alone")
    batch = form.check_input(taken[0].shape)
    return ProgramScorer(partial(run, session, taken[0].name, device), form, batch, partial(opened, path, form))


def run(session: Any, name: str, device: torch.device, x: Tensor) -> Tensor:
    """The first output for a batch."""
    try:
        return torch.from_numpy(session.run(None, {name: x.cpu().numpy()})[0]).to(device)
    except errors() as error:
        raise RuntimeError(first_line(error)) from None


def library() -> Any:
    """Onnxruntime.

    Raises:
        UserError: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("family onnx: onnxruntime is not installed; pip install onnxruntime") from None
    return onnxruntime


def errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its classes have no ancestor of their own."""
    state = library().capi.onnxruntime_pybind11_state
    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))


def first_line(error: Exception) -> str:
    """The reason without onnxruntime's code before it."""
    return str(error).splitlines()[0].rpartition(" : ")[2]


def providers(device: torch.device) -> list[str]:
    """Where onnxruntime computes for a device: on its GPU where this build of it can, else on the CPU, with a line."""
    if device.type == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in library().get_available_providers():
        log.warning("this onnxruntime has no CUDA, so it computes on the CPU; pip install onnxruntime-gpu")
        return ["CPUExecutionProvider"]
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]
