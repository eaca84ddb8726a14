"""Intervals, over images, of how much less area each class gets and how much more rarely it appears.

Arrays have one entry per class. `confidence` is two-sided: at 0.95, each end is passed with chance 2.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

Array = NDArray[np.float64]
FEWEST = 2  # independent images of a side, for anything to be known of how they vary
BISECTIONS = 80  # halves the bracket of a log ratio, at most 80 wide, to rounding


@dataclass(frozen=True)
class ClassSummary:
    """One source, one entry per class.

    Attributes:
        count: independent images; groups of them, where images are not.
        area: mean area, percent.
        variance: `count` times the variance of that mean; for independent images the variance of the areas.
        present: of `trials` images, those that show the class.
        trials: as many independent images as say what is known of the presence; None where that is `count`.
    """

    count: int
    area: Array
    variance: Array
    present: NDArray
    trials: Array | None = None

    @property
    def looked_at(self) -> Array:
        """Images that `present` is counted of."""
        return np.full(len(self.area), float(self.count)) if self.trials is None else self.trials

    @property
    def presence(self) -> Array:
        """Share of images that show the class."""
        return np.asarray(self.present / self.looked_at)


def relative_delta(real: ClassSummary, generated: ClassSummary, confidence: float) -> tuple[Array, Array, Array]:
    """(generated - real) / real of the mean areas, with its interval.

    The interval is that of the log of the ratio, by the delta method: it never passes -1 and treats doubling and
    halving alike. Where one side never shows the class, its mean area is bounded by the upper end of its presence
    times the area that the class has on the other side where present. NaN where neither side shows it.

    Returns:
        delta, low, high: each (C,); `inf` where the real source never shows the class; `low` and `high` are NaN where a
            side has but one image (or group of images).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = generated.area / real.area - 1
        spread = _half_width(confidence, real, generated)
        low, high = (1 + delta) * np.exp(-spread) - 1, (1 + delta) * np.exp(spread) - 1
        gone, new = (generated.area == 0) & (real.area > 0), (real.area == 0) & (generated.area > 0)
        ceiling = _area_if_missed(generated, real, confidence) / real.area * np.exp(_half_width(confidence, real))
        floor = generated.area / _area_if_missed(real, generated, confidence)
        floor *= np.exp(-_half_width(confidence, generated))
    if min(real.count, generated.count) < FEWEST:
        return delta, np.full(len(delta), np.nan), np.full(len(delta), np.nan)
    low = np.where(gone, -1.0, np.where(new, floor - 1, low))
    high = np.where(gone, ceiling - 1, np.where(new, np.inf, high))
    return delta, low, high


def presence_ratio(real: ClassSummary, generated: ClassSummary, confidence: float) -> tuple[Array, Array]:
    """Ratio of presences, generated to real, and the upper end of its score interval, which needs no care at zero.

    Returns:
        ratio, high: each (C,); `inf` where only the generated source shows the class, NaN where neither does; `high` is
            NaN where a side has but one image (or group of images), which says nothing of others.

    Source:
        Koopman 1984, Confidence Intervals for the Ratio of Two Binomial Proportions.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = generated.presence / real.presence
    if min(real.count, generated.count) < FEWEST:
        return ratio, np.full(len(ratio), np.nan)
    limit = norm.ppf((1 + confidence) / 2) ** 2
    known = real.present > 0
    # The bracket starts at the ratio, or far below any that could be told from none.
    low = np.log(np.where(known & (ratio > 0), ratio, 1e-12))
    high = low + 80
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        inside = _koopman(np.exp(middle), real, generated) < limit
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return ratio, np.where(known, np.exp(high), ratio)


def _koopman(ratio: Array, real: ClassSummary, generated: ClassSummary) -> Array:
    """Chi-squared of the counts under a given ratio, at the presences that fit best."""
    n, m, x, y = real.looked_at, generated.looked_at, real.present, generated.present
    half = (ratio * (m + x) + y + n) / 2
    p_real = (x + y) / (half + np.sqrt(np.maximum(half**2 - ratio * (m + n) * (x + y), 0)))
    p_generated = np.minimum(ratio * p_real, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        chi_real = (x - n * p_real) ** 2 / (n * p_real * (1 - p_real))
        chi_generated = (y - m * p_generated) ** 2 / (m * p_generated * (1 - p_generated))
    return np.nan_to_num(chi_real, nan=0.0) + np.nan_to_num(chi_generated, nan=0.0)


def _half_width(confidence: float, *sides: ClassSummary) -> Array:
    """Half the width of the interval of a log mean area, or of the difference of two, (C,).

    Student's quantile, with the degrees of freedom that fit the variance of the difference.

    Source:
        Welch 1947, The Generalization of "Student's" Problem when Several Different Population Variances are Involved.
    """
    shares = [_relative_variance(side) for side in sides]
    total_C = np.sum(shares, axis=0)
    counts = [side.count for side in sides]
    terms = [share_C**2 / max(count - 1, 1) for share_C, count in zip(shares, counts, strict=True)]
    freedom_C = total_C**2 / np.sum(terms, axis=0)
    # Without any variance the quotient is 0/0 and the width 0.
    quantile_C = t.ppf((1 + confidence) / 2, np.where(total_C == 0, np.inf, freedom_C))
    return np.asarray(np.where(total_C == 0, 0.0, quantile_C * np.sqrt(total_C)))


def _relative_variance(source: ClassSummary) -> Array:
    """Variance of the mean area over its square."""
    return source.variance / source.count / source.area**2


def _area_if_missed(missing: ClassSummary, other: ClassSummary, confidence: float) -> Array:
    """The most mean area that a class may have which none of `missing.count` images shows."""
    presence = 1 - ((1 - confidence) / 2) ** (1 / missing.looked_at)
    return presence * other.area * other.looked_at / np.maximum(other.present, 1)
