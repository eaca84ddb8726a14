"""Every known family of classifiers, the fixed judges of conditional generators, and how to load them.

`exported` is a program that the user made with torch.export. Such a file is a graph of tensor operations, not Python,
but torch unpickles parts of it and evaluates its expressions, so loading it is running what its maker wrote: it must be
the user's own. Nothing that `fetch` has downloaded is loaded this way (`check_config` refuses it).

Shape suffixes: N images, K classes, H height, W width.
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export.passes import move_to_device_pass

from lacuna.classifiers.resnet.model import ResidualClassifier
from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.networks.folding import fold_batch_norms
from lacuna.networks.pixels import resized

METADATA_FORMAT = "lacuna-classifier/1"


@dataclass(frozen=True)
class Classifier:
    """A network that names the class of an image.

    network: RGB in [0, 1] (N, 3, size, size) -> scores (N, K), before the softmax.
    classes: names, a label is a position in them.
    """

    network: Callable[[Tensor], Tensor]
    classes: list[str]
    size: int
    device: torch.device

    @torch.no_grad()
    def scores(self, images_NHW3: NDArray[np.uint8], resolution: int | None = None) -> Tensor:
        """Scores (N, K) of images of any size, seen at `resolution` pixels at most.

        Images are reduced to the resolution and brought to the classifier's size, both bilinearly; each pixel of a
        reduced image is the mean over what it covers (antialiasing).
        """
        x_N3HW = torch.from_numpy(images_NHW3).to(self.device).permute(0, 3, 1, 2).float() / 255
        if resolution is not None and resolution < x_N3HW.shape[-1]:
            x_N3HW = resized(x_N3HW, resolution)
        return self.network(resized(x_N3HW, self.size)).float()


def metadata(classes: list[str], architecture: Mapping[str, Any], size: int, **more: Any) -> dict[str, Any]:
    """What a weights file must say so that it can be loaded from itself alone."""
    return {"format": METADATA_FORMAT, "classes": classes, "architecture": dict(architecture), "size": size, **more}


def load_resnet(checkpoint: str | Path, settings: Mapping[str, Any], device: torch.device) -> Classifier:
    """A classifier that train_classifier made: one safetensors file that says all about itself."""
    weights, found = checkpoints.load_weights(checkpoint)
    if found.get("format") != METADATA_FORMAT:
        raise UserError(
            f"{checkpoint}: metadata says format {found.get('format')!r}, expected {METADATA_FORMAT}; "
            "give weights that train_classifier wrote, or another family"
        )
    network = ResidualClassifier(found["architecture"], len(found["classes"]))
    checkpoints.load_strict(network, weights, checkpoint)
    network.eval().requires_grad_(False)
    fold_batch_norms(network)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Classifier(lambda x_N3HW: network(x_N3HW * 2 - 1), found["classes"], found["size"], device)


def load_exported(checkpoint: str | Path, settings: Mapping[str, Any], device: torch.device) -> Classifier:
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


CLASSIFIERS: dict[str, Callable[[str | Path, Mapping[str, Any], torch.device], Classifier]] = {
    "resnet": load_resnet,
    "exported": load_exported,
}


def load_classifier(
    family: str, checkpoint: str | Path, settings: Mapping[str, Any], device: str | torch.device = "cpu"
) -> Classifier:
    """A classifier, ready to be used; `settings` are the `size` and `classes` of an exported program."""
    if family not in CLASSIFIERS:
        raise UserError(f"unknown classifier family {family!r}; known: {', '.join(sorted(CLASSIFIERS))}")
    return CLASSIFIERS[family](checkpoint, settings, torch.device(device))
