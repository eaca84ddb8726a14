"""Kernel distance of two sets of class areas: the squared maximum mean discrepancy, without bias at any sample size.

Shape suffixes: N real images, M generated images, C classes, B blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Array = NDArray[np.float64]
DEGREE = 3
BLOCK_IMAGES = 1000  # per side, at most; time grows with it, memory with its square
FEWEST_BLOCKS = 20  # for an interval worth the name


@dataclass(frozen=True)
class KernelDistance:
    """Mean over blocks with its interval; its expectation is 0 where the sources are the same."""

    value: float
    low: float
    high: float
    num_blocks: int


def kernel_distance(
    real_NC: Array, generated_MC: Array, confidence: float, rng: np.random.Generator
) -> KernelDistance | None:
    """Mean of `unbiased_mmd` over disjoint random blocks, with Student's interval over these; None under 40 images.

    Blocks are independent, so the interval also holds where the sources are the same, and the work grows with the
    number of images and not with its square.

    Args:
        real_NC, generated_MC: areas as fractions of the image.

    Source:
        Zaremba, Gretton, Blaschko 2013, B-tests (blocks); Binkowski et al. 2018, arXiv:1801.01401 (KID).
    """
    fewer = min(len(real_NC), len(generated_MC))
    num_blocks = max(FEWEST_BLOCKS, -(-fewer // BLOCK_IMAGES))
    if fewer < 2 * num_blocks:
        return None
    pairs = zip(
        np.array_split(rng.permutation(len(real_NC))[:fewer], num_blocks),
        np.array_split(rng.permutation(len(generated_MC))[:fewer], num_blocks),
        strict=True,
    )
    found_B = np.array([unbiased_mmd(real_NC[one], generated_MC[other]) for one, other in pairs])
    value = float(found_B.mean())
    width = float(student.ppf((1 + confidence) / 2, num_blocks - 1) * found_B.std(ddof=1) / np.sqrt(num_blocks))
    return KernelDistance(value, value - width, value + width, num_blocks)


def unbiased_mmd(real_NC: Array, generated_MC: Array) -> float:
    """Squared maximum mean discrepancy under the kernel (x . y + 1)^3: pairs of one image with itself are left out.

    KID divides x . y by the number of features. Areas as fractions have length at most 1, so nothing is divided here
    and a class that nobody shows changes nothing.

    Source:
        Gretton et al. 2012, A Kernel Two-Sample Test, equation 3.
    """
    within = [_mean_off_diagonal(rows @ rows.T) for rows in (real_NC, generated_MC)]
    return within[0] + within[1] - 2 * float(((real_NC @ generated_MC.T + 1) ** DEGREE).mean())


def _mean_off_diagonal(products_NN: Array) -> float:
    kernel_NN = (products_NN + 1) ** DEGREE
    count = len(kernel_NN)
    return float((kernel_NN.sum() - np.trace(kernel_NN)) / (count * (count - 1)))
