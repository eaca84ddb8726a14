"""What every segmenter is: images in, label maps out; and what networks of all families have in common.

Shape suffixes: N images, H height, W width.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacuna.errors import UserError

CPU = torch.device("cpu")


class Segmenter(Protocol):
    """A network that labels pixels, with its vocabulary."""

    @property
    def classes(self) -> dict[str, list[str]]:
        """Names by category; of `object`, `part` and `material` the first is '-'. A label is a position in its list."""

    @property
    def size(self) -> int:
        """Pixels per side that it was trained for."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def backbone(self) -> nn.Module | None:
        """What gives the maps that `label_maps` decides from, finest first; None where they are not shown."""

    def ready(self, device: torch.device = CPU, precision: str = "float32") -> "Segmenter":
        """The segmenter on its device, in its arithmetic, as it is used; its weights take no gradients."""

    def label_maps(
        self, images_NHW3: NDArray[np.uint8] | Tensor, heads: Collection[str] = ("object",)
    ) -> dict[str, Tensor]:
        """Label maps of uint8 RGB images for the `heads` asked for: (N, H, W) int64, and (N,) for the scene."""

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """The backbone's maps, finest first, of RGB images in [-1, 1]; differentiable."""


def check_finite(logits: Mapping[str, Tensor], name: str) -> None:
    """Stop where logits are NaN or infinite: the class of such a pixel would be the first, whatever it shows.

    A sum is finite if all of its terms are; the sums of all heads come down in one wait for the device.
    """
    sums = torch.stack([found.sum(dtype=torch.float32) for found in logits.values()]).tolist()
    bad = [head for head, total in zip(logits, sums, strict=True) if not math.isfinite(total)]
    if bad:
        raise UserError(f"{name}: logits of {', '.join(bad)} hold NaN or infinity; give other weights or precision")
