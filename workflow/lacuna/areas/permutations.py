"""Does a class get another mean area on one side than on the other? Tests by dealing the images to the sides at random.

Shape suffixes: N real images, M generated images, T images of both, G groups of images, C classes, B permutations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intervals import Array

TIE = 1e-9  # statistics of floats as close as this are equal but for rounding
PERMUTATION_BATCH = 64  # permutations per product of matrices; 10 MB at 20,000 images


@dataclass(frozen=True)
class PValues:
    """Two-sided p of every class, (C,), at least 1 / (permutations + 1).

    each: of the class by itself.
    family: corrected for all classes, so that the chance of any p under a level where nothing differs is that level.
    """

    each: Array
    family: Array


class Extremes:
    """How often statistics of random deals are as extreme as the observed ones.

    The correction is free of assumptions on how classes depend on each other, and areas do, since they fill an image:
    each deal's statistics are held against the observed ones together. Step-down: the largest observed statistic
    against the largest of all classes, the next one against the largest of those that remain, and so on.

    Args:
        observed_C: statistics of the sides as they are; larger is more extreme, and classes are on one scale.

    Source:
        Westfall and Young 1993, Resampling-Based Multiple Testing, algorithm 2.8 (maxT); Phipson and Smyth 2010,
        Permutation P-values Should Never Be Zero.
    """

    def __init__(self, observed_C: Array) -> None:
        self._observed_C, self._smallest_first = observed_C, np.argsort(observed_C, kind="stable")
        self._deals, self._each_C, self._family_C = 0, np.zeros(len(observed_C)), np.zeros(len(observed_C))

    def add(self, found_BC: Array) -> None:
        """Statistics of some more deals."""
        self._deals += len(found_BC)
        self._each_C += (found_BC >= self._observed_C).sum(axis=0)
        largest_BC = np.maximum.accumulate(found_BC[:, self._smallest_first], axis=1)
        self._family_C += (largest_BC >= self._observed_C[self._smallest_first]).sum(axis=0)

    def p_values(self) -> PValues:
        """The share of deals, these among them, that are as extreme."""
        each_C, stepped_C = ((1 + counts_C) / (1 + self._deals) for counts_C in (self._each_C, self._family_C))
        family_C = np.empty_like(stepped_C)
        family_C[self._smallest_first] = np.maximum.accumulate(stepped_C[::-1])[::-1]
        return PValues(each_C, family_C)


def deals(num_real: int, num_generated: int, permutations: int, rng: np.random.Generator) -> Iterator[Array]:
    """Random ways to deal all images to the sides, a batch at a time: (B, T), 1 for those of the smaller side.

    They do not depend on the areas, so a list of them may serve many tests of the same numbers of images.
    """
    num_images, num_side = num_real + num_generated, min(num_real, num_generated)
    for first in range(0, permutations, PERMUTATION_BATCH):
        sides_BT = np.zeros((min(PERMUTATION_BATCH, permutations - first), num_images))
        for side_T in sides_BT:
            side_T[rng.choice(num_images, num_side, replace=False, shuffle=False)] = 1
        yield sides_BT


def permutation_test(real_NC: NDArray, generated_MC: NDArray, dealt: Iterable[Array]) -> PValues:
    """The difference of mean areas under `deals`.

    Valid for any distribution of areas, however rare the class. A rank test would be faster, but nearly all ranks of a
    rare class are tied at zero: it cannot see that a class has shrunk where it appears. Pixel counts are whole numbers,
    so every sum below is exact and ties count as ties; the deviation that a class has among all images, which no deal
    changes, brings it to the scale of the others.
    """
    pooled_TC = np.concatenate([real_NC, generated_MC]).astype(np.float64)
    num_images, num_side = len(pooled_TC), min(len(real_NC), len(generated_MC))  # either side has the same test
    expected_C = num_side * pooled_TC.sum(axis=0)
    side = pooled_TC[len(real_NC) :] if len(generated_MC) == num_side else pooled_TC[: len(real_NC)]
    deviation_C = pooled_TC.std(axis=0)
    scale_C = np.where(deviation_C > 0, deviation_C, 1.0)
    found = Extremes(np.abs(num_images * side.sum(axis=0) - expected_C) / scale_C)
    for sides_BT in dealt:
        found.add(np.abs(num_images * (sides_BT @ pooled_TC) - expected_C) / scale_C)
    return found.p_values()


def group_test(real_GC: NDArray, generated_GC: NDArray, sizes: tuple[Array, Array], dealt: Iterable[Array]) -> PValues:
    """The permutation test of groups of given sizes.

    Groups of one size on both sides are exchangeable if nothing differs. Others are not: means over many images vary
    less than those over few. So each group counts by its deviation from the mean of both sides, scaled so that the mean
    of a side's groups is that of its images, and the statistic is Welch's t, which makes the test valid for any two
    variances as the numbers of groups grow.

    Source:
        Janssen 1997, Studentized Permutation Tests for Non-iid Hypotheses; Chung and Romano 2013, Exact and
        Asymptotically Robust Permutation Tests.
    """
    if len(np.unique(np.concatenate(sizes))) == 1:
        return permutation_test(real_GC, generated_GC, dealt)
    mean_C = (real_GC.sum(axis=0) + generated_GC.sum(axis=0)) / (sizes[0].sum() + sizes[1].sum())
    pooled_TC = np.concatenate([
        (sums_GC - size_G[:, None] * mean_C) * (len(size_G) / size_G.sum())
        for sums_GC, size_G in zip((real_GC, generated_GC), sizes, strict=True)
    ])  # fmt: skip
    num_side = min(len(real_GC), len(generated_GC))
    own = slice(len(real_GC), None) if len(generated_GC) == num_side else slice(len(real_GC))
    given_1T = np.zeros((1, len(pooled_TC)))
    given_1T[0, own] = 1
    found = Extremes(_squared_t(given_1T, pooled_TC, num_side)[0] * (1 - TIE))
    for sides_BT in dealt:
        found.add(_squared_t(sides_BT, pooled_TC, num_side))
    return found.p_values()


def _squared_t(sides_BT: Array, pooled_TC: Array, num_side: int) -> Array:
    """Square of Welch's t of each way to deal, (B, C); 0 where nothing varies at all, or a side is one group."""
    num_rest = len(pooled_TC) - num_side
    sums_BC, squares_BC = sides_BT @ pooled_TC, sides_BT @ pooled_TC**2
    rest_BC, rest_squares_BC = pooled_TC.sum(axis=0) - sums_BC, (pooled_TC**2).sum(axis=0) - squares_BC
    with np.errstate(divide="ignore", invalid="ignore"):
        variance_BC = sum(
            np.maximum(squared - total**2 / count, 0) / count / np.float64(count - 1)
            for squared, total, count in ((squares_BC, sums_BC, num_side), (rest_squares_BC, rest_BC, num_rest))
        )
        found_BC = (sums_BC / num_side - rest_BC / num_rest) ** 2 / variance_BC
    return np.nan_to_num(found_BC, nan=0.0)
