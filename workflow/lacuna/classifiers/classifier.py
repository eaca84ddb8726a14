"""Classifiers, the fixed judges of conditional generators, whatever the family.

Shape suffixes: N images, K classes, H height, W width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna import families
from lacuna.networks.pixels import resized


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


def load_classifier(
    family: str, checkpoint: str | Path, settings: Mapping[str, Any], device: str | torch.device = "cpu"
) -> Classifier:
    """A classifier, ready to be used; `settings` are the `size` and `classes` of an exported program."""
    found: Classifier = families.loader("classifiers", family)(checkpoint, settings, torch.device(device))
    return found
