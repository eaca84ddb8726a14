"""What the search for an image makes small, image by image.

Every term is a mean over one image, and images are only ever added up, so none influences another.
Shape suffixes: N images, H height, W width, T terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lacuna.inversion.perceptual import PerceptualNetwork

TERMS = ("total", "pixel", "perceptual", "regularisation")


@dataclass(frozen=True)
class Weights:
    """Factors of the terms; at 0 the perceptual network is not asked at all.

    mean_residual: of a residual its mean square counts (the released code), not the sum of its squares (the paper).
    """

    pixel: float
    perceptual: float
    regularisation: float
    mean_residual: bool = False


class Objective:
    """l(x, x_hat) + lambda_reg * sum over layers of ||d_k||^2, with l = L1 of pixels + lambda * L1 of features.

    Args:
        perceptual: the network whose features are compared; None with a weight of 0.
        levels: positions of the feature maps that count, from the network's finest; each counts the same.

    Source:
        Bau et al. 2019, arXiv:1910.11626, section 3.2, equations 5 and 6.
    """

    def __init__(
        self, weights: Weights, perceptual: PerceptualNetwork | None = None, levels: Sequence[int] = ()
    ) -> None:
        self.weights = weights
        self.perceptual = perceptual if weights.perceptual else None
        self.levels = levels

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """The feature maps of images that count; those of an image to be found are computed once."""
        if self.perceptual is None:
            return []
        maps = self.perceptual.features(x_N3HW)
        return [maps[level] for level in self.levels]

    def terms(
        self, x_hat_N3HW: Tensor, residuals: Mapping[int, Tensor], x_N3HW: Tensor, features: Sequence[Tensor]
    ) -> Tensor:
        """(N, T), columns as in `TERMS`: the weighted sum, then each term without its weight.

        Args:
            x_N3HW, features: the images to be found, in [-1, 1], and their feature maps.
        """
        pixel_N = mean_difference(x_hat_N3HW, x_N3HW)
        perceptual_N, squares_N = torch.zeros_like(pixel_N), torch.zeros_like(pixel_N)
        for found, wanted in zip(self.features(x_hat_N3HW), features, strict=True):
            perceptual_N = perceptual_N + mean_difference(found, wanted) / len(self.levels)
        for residual in residuals.values():
            squares = residual.flatten(1).square()
            squares_N = squares_N + (squares.mean(dim=1) if self.weights.mean_residual else squares.sum(dim=1))
        weights = self.weights
        total_N = weights.pixel * pixel_N + weights.perceptual * perceptual_N + weights.regularisation * squares_N
        return torch.stack([total_N, pixel_N, perceptual_N, squares_N], dim=1)


def mean_difference(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of an element, image by image: (N, ...), (N, ...) -> (N,)."""
    return (a - b).abs().flatten(1).mean(dim=1, dtype=torch.promote_types(a.dtype, torch.float32))
