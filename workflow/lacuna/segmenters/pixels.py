"""What a network sees of a pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lacuna.errors import UserError
from lacuna.segmenters.described import PROCESSORS


@dataclass(frozen=True)
class PixelNormalisation:
    """What the network sees of a pixel: (value in 0..255 - mean) / std, in its own channel order."""

    channels: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, x_N3HW: Tensor) -> Tensor:
        """Normalise RGB in 0..255."""
        if self.channels == "BGR":
            x_N3HW = x_N3HW.flip(1)
        mean, std = (x_N3HW.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (x_N3HW - mean) / std


def normalisation(processor: Mapping[str, Any], folder: Path) -> PixelNormalisation:
    """The processor's scale, mean and deviation as one of values in 0..255.

    Raises:
        UserError: it says no mean or deviation, though it normalises.
    """
    scale = float(processor.get("rescale_factor", 1 / 255)) if processor.get("do_rescale", True) else 1.0
    channels = "BGR" if processor.get("do_flip_channel_order") else "RGB"
    mean, std = three(processor.get("image_mean")), three(processor.get("image_std"))
    if processor.get("do_normalize", channels == "RGB"):
        if mean is None or std is None:
            raise UserError(
                f"{folder}: {PROCESSORS[0]} says no image_mean and image_std of three numbers, though images are "
                "normalised; complete it"
            )
    else:
        mean, std = (0.0,) * 3, (1.0,) * 3
    return PixelNormalisation(
        channels, (mean[0] / scale, mean[1] / scale, mean[2] / scale), (std[0] / scale, std[1] / scale, std[2] / scale)
    )


def three(values: Any) -> tuple[float, float, float] | None:
    """Three numbers; None for anything else."""
    if not isinstance(values, Sequence) or len(values) != 3:
        return None
    return float(values[0]), float(values[1]), float(values[2])
