"""Programs of others, ONNX or exported, as scorers: an image in, logits or labels out, in a form that settings state.

Shape suffixes: N images, K classes, H and W of the image.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.segmenters import pixels
from lacuna.segmenters.described import CONFIG, image_size, own_names, read_config, read_processor
from lacuna.segmenters.pixels import PixelNormalisation

IMAGENET = {"highest": 1, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
AXES = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2)}  # of the colours or classes, the height and the width
Axis = int | str | None  # its length, or none that is fixed


@dataclass(frozen=True)
class Form:
    """How a program takes images and gives answers.

    size: pixels per side.
    num_classes: names that the entry gives.
    """

    layout: str
    size: int
    num_classes: int
    name: str

    def check_input(self, shape: Sequence[Axis]) -> int:
        """Images at a time, 0 for any number, of a program whose input has this shape.

        Raises:
            UserError: an axis is not what the settings state; the line names it.
        """
        if len(shape) != 4:
            raise UserError(f"{self.name}: its input has {len(shape)} axes, expected 4, {self.layout}; export another")
        colours, *sides = AXES[self.layout]
        if isinstance(shape[colours], int) and shape[colours] != 3:
            other = next(layout for layout in AXES if layout != self.layout)
            advice = f"set layout: {other}" if shape[AXES[other][0]] == 3 else "give a program that takes colours"
            raise UserError(
                f"{self.name}: axis {colours} of its input is {shape[colours]}, not the 3 colours; {advice}"
            )
        for axis in sides:
            if isinstance(shape[axis], int) and shape[axis] != self.size:
                raise UserError(
                    f"{self.name}: axis {axis} of its input is {shape[axis]}, the segmenter's size {self.size}; "
                    f"set size: {shape[axis]}"
                )
        if isinstance(shape[0], int) and shape[0] != 1:
            raise UserError(
                f"{self.name}: axis 0 of its input is {shape[0]} images, expected 1 or any; export it for that"
            )
        return 1 if shape[0] == 1 else 0

    def arranged(self, x_N3HW: Tensor) -> Tensor:
        """Images in the program's layout."""
        return x_N3HW if self.layout == "NCHW" else x_N3HW.permute(0, 2, 3, 1).contiguous()

    def answers(self, found: Any) -> Tensor:
        """Scores (N, K, h, w) or labels (N, H, W) of a batch.

        Raises:
            UserError: an answer of another form; the line names the axis.
        """
        shape = tuple(getattr(found, "shape", ()))
        if not isinstance(found, Tensor) or len(shape) not in (3, 4):
            raise UserError(
                f"{self.name}: answers with {type(found).__name__} of shape {shape}, expected logits (N, K, h, w) or "
                "labels (N, H, W); export one of these alone"
            )
        if not found.is_floating_point():
            return found[:, 0] if len(shape) == 4 and shape[1] == 1 else found
        if len(shape) == 3:
            raise UserError(f"{self.name}: labels of shape {shape} are no integers; export them as such, or the logits")
        colours = AXES[self.layout][0]
        axis = next((axis for axis in (colours, 1, 3) if shape[axis] == self.num_classes), None)
        if axis is None:
            raise UserError(
                f"{self.name}: logits of shape {shape}, axis {colours} is {shape[colours]}, names of classes are "
                f"{self.num_classes}; give `labels`, one for each channel, or another layout"
            )
        return found.movedim(axis, 1)


@dataclass(frozen=True)
class ProgramScorer:
    """A program that runs on one device.

    run: a batch in its layout -> its answer.
    batch: images that it takes at a time; 0 for any number.
    moved: the same program on another device.
    """

    run: Callable[[Tensor], Any]
    form: Form
    batch: int
    moved: Callable[[torch.device], "ProgramScorer"]

    def to(self, device: torch.device) -> "ProgramScorer":
        """The same on a device."""
        return self.moved(device)

    def scores(self, x_N3HW: Tensor) -> Iterator[Tensor]:
        """Of each image scores (K, h, w), or labels (H, W)."""
        for part_N3HW in x_N3HW.split(self.batch or len(x_N3HW)):
            yield from self.form.answers(self.run(self.form.arranged(part_N3HW)))

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """None: a program shows nothing of its inside.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{self.form.name}: has no features that an inversion could compare by; name another network as the "
            "inversion's `perceptual`"
        )


def completed(settings: Mapping[str, Any], checkpoint: Path) -> dict[str, Any]:
    """The entry, completed by config.json and preprocessor_config.json beside the file or above its folder.

    Raises:
        UserError: names or size are in neither.
    """
    beside, found = (checkpoint.parent, checkpoint.parent.parent), dict(settings)
    folder = next((one for one in beside if (one / CONFIG).is_file()), None)
    if folder is not None and {"labels", "size", "mean", "std"} - found.keys():
        processor = read_processor(folder)
        found = {"labels": own_names(read_config(folder)), "size": image_size(processor, folder), **found}
        if "mean" not in found and "std" not in found:
            seen = pixels.normalisation(processor, folder)
            found |= {"highest": 255, "mean": seen.mean, "std": seen.std, "channels": seen.channels}
    for key in ("labels", "size"):
        if key not in found:
            raise UserError(f"{checkpoint}: no {key} given; state `{key}` in its entry, or put {CONFIG} beside it")
    return IMAGENET | found


def normalisation(settings: Mapping[str, Any]) -> PixelNormalisation:
    """The entry's mean and deviation as those of values in 0..255."""
    scale = 255 / settings["highest"]
    (a, b, c), (d, e, f) = settings["mean"], settings["std"]
    return PixelNormalisation(
        settings["channels"], (a * scale, b * scale, c * scale), (d * scale, e * scale, f * scale)
    )
