"""Is B nearer than A to the same real images? The difference of two distances, with an interval over all images.

Shape suffixes: S splits, 2 halves, 2 distances (of A and of B), C classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from .columns import Column
from .frechet import frechet
from .moments import Array, Moments
from .resampling import ROUNDING, Blocks, intercept, positive_root, union
from .statistics import AreaStatistics
from .verdicts import compare_summaries, deals

NEARER = ("b_nearer", "a_nearer", "undecided")
MORE = ("more_in_b", "more_in_a", "undecided")
COLUMNS = (
    Column(
        "difference", "distance of A less that of B at infinitely many images: above zero where B is nearer",
        ends=("difference_low", "difference_high"),
    ),
    Column("difference_of_all", "the same of the images there are, without its interval"),
    Column("probability", "how sure it is that B is nearer", kind="share"),
    Column("verdict", ", ".join(f"`{word}`" for word in NEARER), kind="text"),
)  # fmt: skip
CLASS_COLUMNS = (
    Column("class", "name of the class", kind="text"),
    Column("category", "`object`, `part` or `material`", kind="text"),
    Column("real_area", "mean area in real images, percent of the image"),
    Column("a_area", "mean area in the images of A"),
    Column("b_area", "mean area in the images of B"),
    Column("relative_delta", "(B - A) / A, with its interval", ends=("delta_low", "delta_high")),
    Column("p_value", "chance of a difference of A and B this large if nothing differed: permutation test"),
    Column("q_value", "p corrected for the number of classes of the category, by the setting `fsd.adjust`"),
    Column("verdict", ", ".join(f"`{word}`" for word in MORE), kind="text"),
)  # fmt: skip
CLASS_NAMES = tuple(name for column in CLASS_COLUMNS for name in column.names)
NAMES = tuple(name for column in COLUMNS for name in column.names)
HALVES = (1, 2)  # parts of the images that the line against 1 / n goes through: all of them, and halves


@dataclass(frozen=True)
class Contrast:
    """How much nearer B is than A.

    Attributes:
        of_all: distance of A less that of B, of all images.
        difference: the same at infinitely many images; above zero where B is nearer.
        low, high: its interval.
        probability: how sure it is that B is nearer, by the normal law of the interval.
    """

    of_all: float
    difference: float
    low: float
    high: float
    probability: float

    @property
    def verdict(self) -> str:
        """One of NEARER."""
        return NEARER[0] if self.low > 0 else NEARER[1] if self.high < 0 else NEARER[2]

    def numbers(self) -> dict[str, Any]:
        """By the names of COLUMNS."""
        values = (self.difference, self.low, self.high, self.of_all, self.probability, self.verdict)
        return dict(zip(NAMES, values, strict=True))


def contrast(
    real: Blocks, a: Blocks, b: Blocks, splits: int, rng: np.random.Generator, confidence: float = 0.95
) -> Contrast:
    """The difference by all images, and by complementary random halves of all three sources.

    Both distances of a half are taken to the same half of the real images, so that what these happen to be cancels as
    it does in the difference itself.

    Source:
        Politis, Romano, Wolf 1999, Subsampling; arXiv:2501.18897 for inference on the difference of two distances.
    """
    whole_2 = distances(*(union(source, np.arange(len(source))) for source in (real, a, b)))
    return interval(whole_2, half_distances(real, a, b, splits, rng), confidence)


def unknown() -> dict[str, Any]:
    """The numbers where too few images say anything."""
    return dict.fromkeys(NAMES) | {"verdict": NEARER[2]}


def half_distances(real: Blocks, a: Blocks, b: Blocks, splits: int, rng: np.random.Generator) -> Array:
    """(S, 2, 2) distances of A and of B, of complementary halves."""
    found = []
    for _ in range(splits):
        halves = [np.array_split(rng.permutation(len(source)), 2) for source in (real, a, b)]
        found.append([
            distances(*(union(source, half[k]) for source, half in zip((real, a, b), halves, strict=True)))
            for k in range(2)
        ])  # fmt: skip
    return np.array(found)


def distances(real: Moments, a: Moments, b: Moments) -> tuple[float, float]:
    """Of A and of B."""
    return frechet(real, a).fsd, frechet(real, b).fsd


def interval(whole_2: Sequence[float], halves_S22: Array, confidence: float) -> Contrast:
    """Difference at infinitely many images, and its interval.

    A random half differs from the sample by as much as the sample differs from the population, and the other half by
    the opposite. Half the difference of the two halves is the odd part of that noise, half their sum the even part. A
    distance is a square, so with noise e its error is linear in e, plus a quadratic form of e. The odd part is seen
    from the sample, which is off itself: its variance is that of the linear part and twice that of the quadratic form;
    the even part's is that of the form alone. So the variance of the error is that of the odd part less that of the
    even one, and never under the latter.

    The variance of a distance grows with it. So at a difference other than the one seen the variance is another: what
    is added goes to both distances by their shares in it. Where that makes the variance larger, the end lies where the
    interval's width is that of the difference there, as in a score interval; where smaller, it is left as seen: in
    simulations without any difference, intervals that shrank so held it 89 % of the time.

    Args:
        whole_2: distances of A and of B, of all images.
        halves_S22: the same of complementary halves.
    """
    whole, halves_S2 = whole_2[0] - whole_2[1], halves_S22[..., 0] - halves_S22[..., 1]
    estimate = intercept(HALVES, (whole, float(halves_S2.mean())))
    odd, even = odd_variance(halves_S2), float(halves_S2.mean(axis=1).var(ddof=1))
    variance = max(odd - even, even)
    slope = growth(whole_2, [odd_variance(halves_S22[..., side]) for side in range(2)])
    z = float(norm.ppf((1 + confidence) / 2))
    below, above = (positive_root(min(sign * slope, 0) * z**2 / 2, z**2 * variance) for sign in (1, -1))
    probability = float(norm.cdf(estimate / math.sqrt(variance))) if variance else 0.5
    return Contrast(whole, estimate, estimate - below, estimate + above, probability)


def odd_variance(halves_S2: Array) -> float:
    """Variance of half the difference of complementary halves, whose mean is zero."""
    return float(np.mean((halves_S2[:, 0] - halves_S2[:, 1]) ** 2)) / 4


def growth(whole_2: Sequence[float], variance_2: Sequence[float]) -> float:
    """How the variance of the difference grows with it, where each distance's grows in proportion to the distance."""
    total = sum(variance_2)
    terms = [variance**2 / fsd if fsd > ROUNDING else 0.0 for variance, fsd in zip(variance_2, whole_2, strict=True)]
    return (terms[0] - terms[1]) / total if total > 0 else 0.0


def class_rows(
    real: AreaStatistics, a: AreaStatistics, b: AreaStatistics, confidence: float, permutations: int, q_below: float,
    adjust: str, rng: np.random.Generator,
) -> Iterable[tuple[Any, ...]]:  # fmt: skip
    """One row per class of one category, in the order of CLASS_NAMES: which of both shows more of it.

    Args:
        q_below: a difference counts where q is under this.
        adjust: what q is, see `compare_summaries`.
    """
    tests = compare_summaries(
        a.summary, b.summary, a.sketch.groups_GC, b.sketch.groups_GC, confidence,
        deals(len(a.sketch.groups_GC), len(b.sketch.groups_GC), permutations, rng),
        (a.sketch.size_G, b.sketch.size_G), adjust,
    )  # fmt: skip
    numbers = np.column_stack([
        real.moments.mean, a.moments.mean, b.moments.mean, tests.delta, tests.delta_low, tests.delta_high, tests.p,
        tests.q,
    ])  # fmt: skip
    more_C = b.moments.mean > a.moments.mean
    words = [
        MORE[2] if not q < q_below else MORE[0] if more else MORE[1] for q, more in zip(tests.q, more_C, strict=True)
    ]
    for name, category, row, word in zip(a.classes, a.categories, numbers, words, strict=True):
        yield (name, category, *map(float, row), word)


def absent_row(name: str, category: str) -> tuple[Any, ...]:
    """The row of a class that no image shows."""
    return (name, category, 0.0, 0.0, 0.0, *[float("nan")] * 5, MORE[2])
