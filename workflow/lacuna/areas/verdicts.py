"""One verdict per class: is it left out, made too rarely or too often, or kept?

Shape suffixes: N real images, M generated images, T images of both, C classes, B permutations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from .clusters import Clusters
from .columns import Column
from .intervals import Array, ClassSummary, presence_ratio, relative_delta

VERDICTS = ("omitted", "reduced", "excess", "kept", "undecided")
CLASS_COLUMNS = (
    Column("class", "name of the class", kind="text"),
    Column("category", "`object`, `part`, `material` or `scene`", kind="text"),
    Column("real_area", "mean area in real images, percent of the image"),
    Column("generated_area", "mean area in generated images, percent of the image"),
    Column(
        "relative_delta", "(generated - real) / real, with its interval: -1 gone, 1 double, `inf` never real",
        ends=("delta_low", "delta_high"),
    ),
    Column("real_presence", "share of real images that show the class", kind="share"),
    Column("generated_presence", "share of generated images that show it", kind="share"),
    Column("presence_ratio", "generated presence / real presence"),
    Column("p_value", "chance of a difference of mean areas this large if nothing differed: permutation test"),
    Column("q_value", "p corrected for the number of classes of the category"),
    Column("fsd_contribution", "what the class has in the distance of its category"),
    Column("verdict", ", ".join(f"`{word}`" for word in VERDICTS), kind="text"),
)  # fmt: skip
COLUMNS = tuple(name for column in CLASS_COLUMNS for name in column.names)

TIE = 1e-9  # statistics of floats as close as this are equal but for rounding
PERMUTATION_BATCH = 64  # permutations per product of matrices; 10 MB at 20,000 images


@dataclass(frozen=True)
class Thresholds:
    """omitted_below: of the presence ratio; changed_by: of the relative difference of mean area; q_below: of q."""

    omitted_below: float = 0.2
    changed_by: float = 0.1
    q_below: float = 0.05


@dataclass(frozen=True)
class ClassTests:
    """Everything that the verdicts rest on, each array with one entry per class (NaN where no side shows it)."""

    real: ClassSummary
    generated: ClassSummary
    delta: Array
    delta_low: Array
    delta_high: Array
    presence_ratio: Array
    presence_ratio_high: Array
    p: Array
    q: Array


def verdict(presence_ratio_high: float, q: float, delta_low: float, delta_high: float, limits: Thresholds) -> str:
    """The rule. NaN, for a class that no image shows, satisfies no condition and so is undecided."""
    if presence_ratio_high < limits.omitted_below:
        return "omitted"
    if q < limits.q_below and delta_high < -limits.changed_by:
        return "reduced"
    if q < limits.q_below and delta_low > limits.changed_by:
        return "excess"
    if delta_low >= -limits.changed_by and delta_high <= limits.changed_by:
        return "kept"
    return "undecided"


def summarise(area_px_NC: NDArray, image_px: int, presence_percent: float) -> ClassSummary:
    """Mean area and its variance (divisor N - 1) in percent; a class is present where it covers more than a share."""
    present = (area_px_NC > presence_percent / 100 * image_px).sum(axis=0)
    unit = 100 / image_px
    variance = (
        area_px_NC.var(axis=0, ddof=1, dtype=np.float64) if len(area_px_NC) > 1 else np.full(len(present), np.nan)
    )
    return ClassSummary(len(area_px_NC), area_px_NC.mean(axis=0) * unit, variance * unit**2, present)


def compare_classes(
    real_NC: NDArray, generated_MC: NDArray, image_px: int, presence_percent: float, confidence: float,
    dealt: Iterable[Array],
) -> ClassTests:  # fmt: skip
    """Summarise both tables of pixel counts and test every class; q is corrected over the classes that appear at all.

    Source:
        Benjamini and Hochberg 1995, Controlling the False Discovery Rate.
    """
    real = summarise(real_NC, image_px, presence_percent)
    generated = summarise(generated_MC, image_px, presence_percent)
    return compare_summaries(real, generated, real_NC, generated_MC, confidence, dealt)


def compare_clusters(
    real: Clusters, generated: Clusters, unit: float, confidence: float, permutations: int, rng: np.random.Generator
) -> ClassTests:
    """The same where whole groups of images are independent; groups of one image are independent images."""
    return compare_summaries(
        real.summary(unit), generated.summary(unit), real.area_GC, generated.area_GC, confidence,
        deals(len(real.size_G), len(generated.size_G), permutations, rng), (real.size_G, generated.size_G),
    )  # fmt: skip


def compare_summaries(
    real: ClassSummary, generated: ClassSummary, real_GC: NDArray, generated_GC: NDArray, confidence: float,
    dealt: Iterable[Array], sizes: tuple[Array, Array] | None = None,
) -> ClassTests:  # fmt: skip
    """The same from summaries, and from areas for the permutation test.

    These may be sums over groups of images, which are dealt to the sides as a whole: random groups of equally many
    images, or images that are not independent.

    Args:
        sizes: number of images in each group, real and generated; equal everywhere where None.
    """
    shown = (real.area > 0) | (generated.area > 0)
    p, q = np.full(len(shown), np.nan), np.full(len(shown), np.nan)
    if shown.any():
        sides = real_GC[:, shown], generated_GC[:, shown]
        p[shown] = group_test(*sides, sizes, dealt) if sizes else permutation_test(*sides, dealt)
        q[shown] = false_discovery_control(p[shown])
    delta, low, high = relative_delta(real, generated, confidence)
    ratio, ratio_high = presence_ratio(real, generated, confidence)
    return ClassTests(real, generated, delta, low, high, ratio, ratio_high, p, q)


def one_family(tables: Sequence[ClassTests]) -> list[ClassTests]:
    """Tests of several tables with q corrected over all of their classes together, as if they were one table.

    Of the claims of all tables then about a share of q is false, however many tables there are.
    """
    p = np.concatenate([tests.p for tests in tables])
    q, tested = np.full(len(p), np.nan), ~np.isnan(p)
    if tested.any():
        q[tested] = false_discovery_control(p[tested])
    ends = np.cumsum([len(tests.p) for tests in tables])[:-1]
    return [replace(tests, q=q_C) for tests, q_C in zip(tables, np.split(q, ends), strict=True)]


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


def permutation_test(real_NC: NDArray, generated_MC: NDArray, dealt: Iterable[Array]) -> Array:
    """Two-sided p of the difference of mean areas under `deals`, (C,), at least 1 / (permutations + 1).

    Valid for any distribution of areas, however rare the class. A rank test would be faster, but nearly all ranks of a
    rare class are tied at zero: it cannot see that a class has shrunk where it appears. Pixel counts are whole numbers,
    so every sum below is exact and ties count as ties.

    Source:
        Phipson and Smyth 2010, Permutation P-values Should Never Be Zero.
    """
    pooled_TC = np.concatenate([real_NC, generated_MC]).astype(np.float64)
    num_images, num_side = len(pooled_TC), min(len(real_NC), len(generated_MC))  # either side has the same test
    expected_C = num_side * pooled_TC.sum(axis=0)
    side = pooled_TC[len(real_NC) :] if len(generated_MC) == num_side else pooled_TC[: len(real_NC)]
    observed_C = np.abs(num_images * side.sum(axis=0) - expected_C)
    permutations, as_extreme_C = 0, np.zeros(len(observed_C))
    for sides_BT in dealt:
        permutations += len(sides_BT)
        as_extreme_C += (np.abs(num_images * (sides_BT @ pooled_TC) - expected_C) >= observed_C).sum(axis=0)
    return (1 + as_extreme_C) / (1 + permutations)


def group_test(real_GC: NDArray, generated_GC: NDArray, sizes: tuple[Array, Array], dealt: Iterable[Array]) -> Array:
    """The permutation test of groups of given sizes, (C,).

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
    observed_C = _squared_t(given_1T, pooled_TC, num_side)[0] * (1 - TIE)
    permutations, as_extreme_C = 0, np.zeros(len(observed_C))
    for sides_BT in dealt:
        permutations += len(sides_BT)
        as_extreme_C += (_squared_t(sides_BT, pooled_TC, num_side) >= observed_C).sum(axis=0)
    return (1 + as_extreme_C) / (1 + permutations)


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


def verdicts(tests: ClassTests, limits: Thresholds) -> list[str]:
    """The verdict of every class."""
    columns = zip(tests.presence_ratio_high, tests.q, tests.delta_low, tests.delta_high, strict=True)
    return [verdict(float(ratio), float(q), float(low), float(high), limits) for ratio, q, low, high in columns]


def rows(
    classes: Sequence[str], categories: Sequence[str], tests: ClassTests, fsd_contribution: Array, limits: Thresholds
) -> list[tuple[Any, ...]]:
    """One row per class in the order of COLUMNS."""
    real, generated = tests.real, tests.generated
    numbers = np.column_stack([
        real.area, generated.area, tests.delta, tests.delta_low, tests.delta_high, real.presence, generated.presence,
        tests.presence_ratio, tests.p, tests.q, fsd_contribution,
    ])  # fmt: skip
    words = verdicts(tests, limits)
    return [
        (name, category, *map(float, row), word)
        for name, category, row, word in zip(classes, categories, numbers, words, strict=True)
    ]


def absent_row(name: str, category: str) -> tuple[Any, ...]:
    """The row of a class that no image of either side shows."""
    nan = float("nan")
    return (name, category, 0.0, 0.0, nan, nan, nan, 0.0, 0.0, nan, nan, nan, 0.0, "undecided")
