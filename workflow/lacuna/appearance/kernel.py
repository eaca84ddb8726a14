"""How far apart two sets of looks are, in pairs: kernel distance, its interval, and its permutation test.

The distance is the squared maximum mean discrepancy in units of the spread of the real regions: at 0.01 the mean look
has moved by a tenth of the standard deviation that real regions have around theirs, in the space of the kernel.

Shape suffixes: P pairs, D features, T regions of both sides, B permutations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import t as student

Array = NDArray[np.float64]
CLIP = 10.0  # deviations beyond which a feature says no more
FLAT = 1e-3  # of the largest deviation in a block: below it a feature is constant
PERMUTATION_BATCH = 512
SPLITS = 40


@dataclass(frozen=True)
class Distance:
    """Distance of the generated looks from the real ones; expectation 0 where they are alike.

    low, high: interval over regions.
    baseline: what two random halves of the real regions exceed in one of twenty splits.
    p: of the permutation test.
    """

    value: float
    low: float
    high: float
    baseline: float
    p: float


def standardised(real_PD: Array, generated_PD: Array, blocks: Sequence[int]) -> tuple[Array, Array]:
    """Both sides in units of the real deviations; each block of features weighs as much as any other.

    Args:
        blocks: number of features of each block, in their order.
    """
    columns, start = [], 0
    pooled = np.concatenate([real_PD, generated_PD]).astype(np.float64)
    for size in blocks:
        real, both = (side[:, start : start + size].astype(np.float64) for side in (real_PD, pooled))
        deviation = real.std(axis=0)
        varying = deviation > FLAT * deviation.max()
        if varying.any():
            scaled = (both[:, varying] - real[:, varying].mean(axis=0)) / deviation[varying]
            columns.append(np.clip(scaled, -CLIP, CLIP) / np.sqrt(varying.sum()))
        start += size
    if not columns:
        return np.zeros((len(real_PD), 1)), np.zeros((len(generated_PD), 1))
    joint = np.concatenate(columns, axis=1)
    return joint[: len(real_PD)], joint[len(real_PD) :]


def gram(looks_TD: Array) -> Array:
    """Gaussian kernel of all pairs, (T, T); its width is the median distance.

    Source:
        Gretton et al. 2012, A Kernel Two-Sample Test, section 8 (median heuristic).
    """
    squared = pdist(looks_TD, "sqeuclidean")
    return np.asarray(np.exp(-squareform(squared) / max(np.median(squared), 1e-12)))


def paired_terms(kernel_TT: Array, one_P: NDArray, other_P: NDArray) -> Array:
    """Terms h of the unbiased distance of paired samples, (P, P), 0 on the diagonal; it is their mean off it.

    Swapping both members of a pair changes the sign of its row and its column, so a permutation is a vector of signs.

    Source:
        Gretton et al. 2012, equation 4.
    """
    within_PP = kernel_TT[np.ix_(one_P, one_P)] + kernel_TT[np.ix_(other_P, other_P)]
    across_PP = kernel_TT[np.ix_(one_P, other_P)]
    terms_PP = within_PP - across_PP - across_PP.T
    np.fill_diagonal(terms_PP, 0)
    return np.asarray(terms_PP)


def distance(
    real_PD: Array, generated_PD: Array, blocks: Sequence[int], confidence: float, permutations: int,
    rng: np.random.Generator,
) -> Distance:  # fmt: skip
    """Distance of paired looks: row i of one side belongs to row i of the other.

    The interval is Student's, with the jackknife's variance of the mean of `paired_terms`; it is wide rather than
    narrow where the sides are alike.

    Source:
        Arvesen 1969, Jackknifing U-statistics.
    """
    count = len(real_PD)
    kernel_TT = gram(np.concatenate(standardised(real_PD, generated_PD, blocks)))
    real, generated = np.arange(count), np.arange(count, 2 * count)
    spread = 1 - _mean_off_diagonal(kernel_TT[:count, :count])
    if spread < 1e-9:  # all regions look the same, to rounding
        return Distance(0.0, float("nan"), float("nan"), 0.0, 1.0)
    terms_PP = paired_terms(kernel_TT, real, generated) / spread
    value, half_width = _jackknife(terms_PP, confidence)
    p = sign_test(terms_PP, permutations, rng)
    return Distance(value, value - half_width, value + half_width, _baseline(kernel_TT, count, spread, rng), p)


def sign_test(terms_PP: Array, permutations: int, rng: np.random.Generator) -> float:
    """Chance of a sum of terms this large if the members of each pair were swapped at random, one-sided.

    Source:
        Phipson and Smyth 2010, Permutation P-values Should Never Be Zero.
    """
    observed, as_extreme = terms_PP.sum(), 0
    tolerance = 1e-9 * np.abs(terms_PP).sum()
    for first in range(0, permutations, PERMUTATION_BATCH):
        size = (min(PERMUTATION_BATCH, permutations - first), len(terms_PP))
        signs_BP = 2.0 * rng.integers(0, 2, size) - 1
        as_extreme += int((((signs_BP @ terms_PP) * signs_BP).sum(axis=1) >= observed - tolerance).sum())
    return (1 + as_extreme) / (1 + permutations)


def _jackknife(terms_PP: Array, confidence: float) -> tuple[float, float]:
    """Mean off the diagonal, and half the width of its interval."""
    count = len(terms_PP)
    total = terms_PP.sum()
    left_out_P = (total - 2 * terms_PP.sum(axis=1)) / ((count - 1) * (count - 2))
    variance = (count - 1) / count * ((left_out_P - left_out_P.mean()) ** 2).sum()
    return float(total / (count * (count - 1))), float(student.ppf((1 + confidence) / 2, count - 1) * np.sqrt(variance))


def _baseline(kernel_TT: Array, count: int, spread: float, rng: np.random.Generator) -> float:
    """The distance that random halves of the real regions exceed in one of twenty splits."""
    half, found = count // 2, []
    for _ in range(SPLITS):
        order = rng.permutation(count)
        found.append(_mean_off_diagonal(paired_terms(kernel_TT, order[:half], order[half : 2 * half])) / spread)
    return float(np.quantile(found, 0.95))


def _mean_off_diagonal(square: Array) -> float:
    count = len(square)
    return float((square.sum() - np.trace(square)) / (count * (count - 1)))
