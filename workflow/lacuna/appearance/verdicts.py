"""One verdict per class on how it looks: alike, altered, or undecided.

Shape suffixes: N real regions, M generated regions, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from .kernel import Distance, distance
from .matching import matched

VERDICTS = ("alike", "altered", "undecided")
COLUMNS = (
    "class", "category", "num_real", "num_generated", "num_pairs", "distance", "low", "high", "baseline", "p_value",
    "q_value", "verdict",
)  # fmt: skip
FEWEST_PAIRS = 20  # for anything to be said of how a class looks
UNKNOWN = Distance(*[float("nan")] * 5)


@dataclass(frozen=True)
class Looks:
    """Regions of one class and side: area in pixels and features of each, (N,) and (N, D)."""

    area_px: NDArray
    features: NDArray


@dataclass(frozen=True)
class Rule:
    """What the verdicts depend on but the regions."""

    altered_by: float
    q_below: float
    confidence: float
    permutations: int
    area_tolerance: float


@dataclass(frozen=True)
class Tested:
    """What is known of one class."""

    num_real: int
    num_generated: int
    num_pairs: int
    found: Distance


def compare_looks(real: Looks, generated: Looks, blocks: Sequence[int], rule: Rule, rng: np.random.Generator) -> Tested:
    """Compare regions of one class in pairs of about the same area; nothing is known of too few of these."""
    counts = len(real.area_px), len(generated.area_px)
    if min(counts) < FEWEST_PAIRS:
        return Tested(*counts, 0, UNKNOWN)
    one, other = matched(real.area_px, generated.area_px, rule.area_tolerance)
    if len(one) < FEWEST_PAIRS:
        return Tested(*counts, len(one), UNKNOWN)
    found = distance(real.features[one], generated.features[other], blocks, rule.confidence, rule.permutations, rng)
    return Tested(*counts, len(one), found)


def verdict(found: Distance, q: float, rule: Rule) -> str:
    """The rule. NaN, for a class of which too little is known, satisfies no condition and so is undecided."""
    if q < rule.q_below and found.low > rule.altered_by:
        return "altered"
    return "alike" if found.high < rule.altered_by else "undecided"


def q_values(p_C: NDArray) -> NDArray[np.float64]:
    """P corrected for the number of classes that were tested; NaN for the others.

    Source:
        Benjamini and Hochberg 1995, Controlling the False Discovery Rate.
    """
    q_C, tested = np.full(len(p_C), np.nan), ~np.isnan(p_C)
    if tested.any():
        q_C[tested] = false_discovery_control(p_C[tested])
    return q_C


def judged(tested: Sequence[Tested], rule: Rule) -> tuple[NDArray[np.float64], list[str]]:
    """Q and verdict of each class of a category."""
    q_C = q_values(np.array([one.found.p for one in tested], dtype=np.float64))
    return q_C, [verdict(one.found, float(q), rule) for one, q in zip(tested, q_C, strict=True)]


def rows(classes: Sequence[str], category: str, tested: Sequence[Tested], rule: Rule) -> list[tuple[Any, ...]]:
    """One row per class in the order of COLUMNS."""
    q_C, words = judged(tested, rule)
    return [
        (
            name, category, one.num_real, one.num_generated, one.num_pairs, one.found.value, one.found.low,
            one.found.high, one.found.baseline, one.found.p, float(q), word,
        )
        for name, one, q, word in zip(classes, tested, q_C, words, strict=True)
    ]  # fmt: skip
