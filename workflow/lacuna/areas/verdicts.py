"""One verdict per class: is it left out, made too rarely or too often, or kept?

Shape suffixes: N real images, M generated images, C classes, G groups of images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from .clusters import Clusters
from .columns import Column
from .intervals import Array, ClassSummary, presence_ratio, relative_delta
from .permutations import deals, group_test, permutation_test

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
BH, MAXT = "bh", "maxt"  # Benjamini and Hochberg; Westfall and Young


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
    dealt: Iterable[Array], adjust: str = BH,
) -> ClassTests:  # fmt: skip
    """Summarise both tables of pixel counts and test every class; q is corrected over the classes that appear at all.

    Source:
        Benjamini and Hochberg 1995, Controlling the False Discovery Rate.
    """
    real = summarise(real_NC, image_px, presence_percent)
    generated = summarise(generated_MC, image_px, presence_percent)
    return compare_summaries(real, generated, real_NC, generated_MC, confidence, dealt, adjust=adjust)


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
    dealt: Iterable[Array], sizes: tuple[Array, Array] | None = None, adjust: str = BH,
) -> ClassTests:  # fmt: skip
    """The same from summaries, and from areas for the permutation test.

    These may be sums over groups of images, which are dealt to the sides as a whole: random groups of equally many
    images, or images that are not independent.

    Args:
        sizes: number of images in each group, real and generated; equal everywhere where None.
        adjust: what q is: BH, the false discovery rate, or MAXT, the chance of any false claim at all.
    """
    shown = (real.area > 0) | (generated.area > 0)
    p, q = np.full(len(shown), np.nan), np.full(len(shown), np.nan)
    if shown.any():
        sides = real_GC[:, shown], generated_GC[:, shown]
        tested = group_test(*sides, sizes, dealt) if sizes else permutation_test(*sides, dealt)
        p[shown] = tested.each
        q[shown] = tested.family if adjust == MAXT else false_discovery_control(tested.each)
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
