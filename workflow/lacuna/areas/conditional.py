"""Discriminability and diversity of the classes of a conditional generator, and the two together.

Shape suffixes: N images, K classes, S subsets.

Source:
    Odena et al. 2017, arXiv:1610.09585, section 4; Salimans et al. 2016, arXiv:1606.03498 (inception score).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Accuracy:
    """Share of images whose class is named: mean, standard deviation over subsets, and a confidence interval."""

    mean: float
    std: float
    low: float
    high: float
    num_images: int


def accuracy(right_N: NDArray[np.bool_], subsets: int, confidence: float) -> Accuracy:
    """Accuracy over N images in their order.

    The spread is that of the accuracies of `subsets` disjoint subsets (image i is in subset i mod S; divisor S - 1, as
    the paper's +-); NaN where a subset would be empty. The interval is Wilson's.
    """
    N = len(right_N)
    parts = [right_N[first::subsets].mean() for first in range(subsets)] if subsets <= N else [np.nan, np.nan]
    interval = stats.binomtest(int(right_N.sum()), N).proportion_ci(confidence, method="wilson")
    return Accuracy(float(right_N.mean()), float(np.std(parts, ddof=1)), interval.low, interval.high, N)


def inception_score(probability_NK: NDArray[np.float64], groups: int) -> tuple[float, float]:
    """Mean and standard deviation (divisor S) over groups of exp of the mean KL divergence of p(y|x) from p(y).

    Image i is in group i mod S, so that each group holds all classes.
    """
    scores = []
    for first in range(groups):
        part = np.maximum(probability_NK[first::groups], 1e-16)
        divergence = (part * (np.log(part) - np.log(part.mean(axis=0)))).sum(axis=1)
        scores.append(np.exp(divergence.mean()))
    return float(np.mean(scores)), float(np.std(scores))


def indistinct(real: Accuracy, generated: Accuracy, below: float) -> bool:
    """Whether a class is drawn so that it is not known: surely under the share `below` of its real accuracy."""
    return generated.high < below * real.mean


@dataclass(frozen=True)
class Similarity:
    """MS-SSIM of the pairs of one class: mean, standard deviation (divisor n - 1), interval of the mean."""

    mean: float
    std: float
    low: float
    high: float
    num_pairs: int


def similarity(values: NDArray[np.float64], confidence: float) -> Similarity:
    """Summary of a class's pairs; the interval is Student's, without width for a single pair or equal values."""
    n = len(values)
    mean, std = float(values.mean()), float(values.std(ddof=1)) if n > 1 else 0.0
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * std / np.sqrt(n) if n > 1 else 0.0
    return Similarity(mean, std, mean - half, mean + half, n)


def collapsed(generated: Similarity, threshold: float) -> bool:
    """Whether a class's samples are surely more alike than those of any real class are on average."""
    return generated.low > threshold


@dataclass(frozen=True)
class Together:
    """How accuracy and similarity of the classes go together.

    r_squared: of the linear relation, NaN where either is constant.
    low_diversity: classes at or over the threshold.
    low_accuracy_of_low_diversity, low_accuracy_of_diverse: share of them whose accuracy is at most `accuracy_at_most`.
    """

    r_squared: float
    low_diversity: int
    low_accuracy_of_low_diversity: float
    low_accuracy_of_diverse: float
    accuracy_at_most: float


def together(
    accuracy_K: Sequence[float], similarity_K: Sequence[float], threshold: float, accuracy_at_most: float
) -> Together:
    """The paper's figure 9 in numbers."""
    accuracies, similarities = np.asarray(accuracy_K), np.asarray(similarity_K)
    low = similarities >= threshold
    poor = accuracies <= accuracy_at_most
    constant = np.ptp(accuracies) == 0 or np.ptp(similarities) == 0
    r = np.nan if constant else np.corrcoef(accuracies, similarities)[0, 1]
    shares = [float(poor[chosen].mean()) if chosen.any() else float("nan") for chosen in (low, ~low)]
    return Together(float(r**2), int(low.sum()), shares[0], shares[1], accuracy_at_most)
