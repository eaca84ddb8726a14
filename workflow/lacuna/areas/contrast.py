"""Is B nearer than A to the same real images? The difference of two distances, with an interval over all images.

Shape suffixes: S splits, 2 halves, C classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from .frechet import frechet
from .moments import Array
from .resampling import Blocks, intercept, union

HALVES = (1, 2)  # parts of the images that the line against 1 / n goes through: all of them, and halves


@dataclass(frozen=True)
class Contrast:
    """How much nearer B is than A.

    Attributes:
        difference: distance of A less that of B, of all images.
        difference_infinity: the same at infinitely many images; above zero where B is nearer.
        low, high: its interval.
        probability: how sure it is that B is nearer, by the normal law of the interval.
    """

    difference: float
    difference_infinity: float
    low: float
    high: float
    probability: float


def contrast(
    real: Blocks, a: Blocks, b: Blocks, splits: int, rng: np.random.Generator, confidence: float = 0.95
) -> Contrast:
    """The difference by all images, and by complementary random halves of all three sources.

    Both distances of a half are taken to the same half of the real images, so that what these happen to be cancels as
    it does in the difference itself.

    Source:
        Politis, Romano, Wolf 1999, Subsampling; arXiv:2501.18897 for inference on the difference of two distances.
    """
    whole = difference(*(union(source, np.arange(len(source))) for source in (real, a, b)))
    return interval(whole, half_differences(real, a, b, splits, rng), confidence)


def half_differences(real: Blocks, a: Blocks, b: Blocks, splits: int, rng: np.random.Generator) -> Array:
    """(S, 2) differences of complementary halves."""
    found_S2 = []
    for _ in range(splits):
        halves = [np.array_split(rng.permutation(len(source)), 2) for source in (real, a, b)]
        found_S2.append([
            difference(*(union(source, half[k]) for source, half in zip((real, a, b), halves, strict=True)))
            for k in range(2)
        ])  # fmt: skip
    return np.array(found_S2)


def difference(real, a, b) -> float:
    """Distance of A less that of B."""
    return frechet(real, a).fsd - frechet(real, b).fsd


def interval(whole: float, halves_S2: Array, confidence: float) -> Contrast:
    """Difference at infinitely many images, and its interval.

    A random half differs from the sample by as much as the sample differs from the population, and the other half by
    the opposite. Half the difference of the two halves is the odd part of that noise, half their sum the even part. A
    distance is a square, so with noise e its error is linear in e, plus a quadratic form of e. The odd part is seen
    from the sample, which is off itself: its variance is that of the linear part and twice that of the quadratic form;
    the even part's is that of the form alone. So the variance of the error is that of the odd part less that of the
    even one, and never under the latter.
    """
    estimate = intercept(HALVES, (whole, float(halves_S2.mean())))
    odd = float(np.mean((halves_S2[:, 0] - halves_S2[:, 1]) ** 2)) / 4
    even = float(halves_S2.mean(axis=1).var(ddof=1))
    error = math.sqrt(max(odd - even, even))
    width = float(norm.ppf((1 + confidence) / 2)) * error
    probability = float(norm.cdf(estimate / error)) if error else 0.5
    return Contrast(whole, estimate, estimate - width, estimate + width, probability)
