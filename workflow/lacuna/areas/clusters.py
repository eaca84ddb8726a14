"""Images that are not independent, as ten photos of one person: whole groups of them are what is independent.

Shape suffixes: N images, C classes, G groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intervals import Array, ClassSummary


@dataclass(frozen=True)
class Clusters:
    """Areas in pixels summed over the images of each group, images of each that show each class, and images of each."""

    area_GC: Array
    shown_GC: Array
    size_G: Array

    def summary(self, unit: float) -> ClassSummary:
        """Mean area over all images, with the variance that it has over groups; each pixel counts `unit`.

        The mean is a ratio of two sums over groups, so its variance is that of the residuals (divisor G - 1; NaN for
        one group). Presences are scaled to the number of independent images that would have the variance that the share
        of images has over groups (divisor G, as that of p (1 - p) is n); where all images or none show a class, to one
        for each group. Groups of one image give what independent images give.

        Source:
            Cochran 1977, Sampling Techniques, section 9A.3 (ratio to size); Rao and Scott 1992, A Simple Method for the
            Analysis of Clustered Binary Data (scaled counts).
        """
        num_groups, num_images = len(self.size_G), self.size_G.sum()
        area_C, share_C = self.area_GC.sum(axis=0) / num_images, self.shown_GC.sum(axis=0) / num_images
        scatter_C, spread_C = (
            ((sums_GC - self.size_G[:, None] * mean_C) ** 2).sum(axis=0) / num_images**2
            for sums_GC, mean_C in ((self.area_GC, area_C), (self.shown_GC, share_C))
        )
        freedom = num_groups - 1 or float("nan")
        variance_C = num_groups * num_groups / freedom * scatter_C
        binomial_C = share_C * (1 - share_C) / num_images
        with np.errstate(divide="ignore", invalid="ignore"):
            design_C = np.where(binomial_C > 0, np.maximum(spread_C / binomial_C, 1), num_images / num_groups)
        trials_C = num_images / design_C
        return ClassSummary(num_groups, area_C * unit, variance_C * unit**2, share_C * trials_C, trials_C)

    def columns(self, chosen: NDArray) -> Clusters:
        """The same for some of the classes."""
        return Clusters(self.area_GC[:, chosen], self.shown_GC[:, chosen], self.size_G)


def numbered(group_N: NDArray) -> NDArray[np.int64]:
    """Number of each image's group, (N,), counted in the order in which groups appear: codes as such do not matter."""
    _, first, place_N = np.unique(group_N, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place_N]


def clustered(area_px_NC: NDArray, least_px: float, group_N: NDArray | None) -> Clusters:
    """A table summed over the groups of its images; each image is one of its own where there are no groups.

    Args:
        least_px: a class is present in an image where it covers more than this.
    """
    place_N = np.arange(len(area_px_NC)) if group_N is None else numbered(group_N)
    size_G = np.bincount(place_N)
    order, starts = np.argsort(place_N, kind="stable"), np.cumsum(size_G) - size_G
    area_GC, shown_GC = (
        np.add.reduceat(rows_NC[order], starts, axis=0, dtype=np.float64)
        for rows_NC in (area_px_NC, area_px_NC > least_px)
    )
    return Clusters(area_GC, shown_GC, size_G.astype(np.float64))
