"""Pairs of regions of the same size: a small bench looks other than a large one, however well it is drawn.

Shape suffixes: N real regions, M generated regions, P pairs.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FAR = 1e6  # cost of a pair that differs too much


def matched(
    real_area_N: NDArray, generated_area_M: NDArray, tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As many pairs as there are whose areas differ by at most this share, and of all such ways the closest one.

    Returns:
        Positions of the pairs' real and generated regions, (P,) each.
    """
    distance_NM = np.abs(np.log(real_area_N)[:, None] - np.log(generated_area_M)[None])
    near_NM = distance_NM <= np.log1p(tolerance)
    one, other = linear_sum_assignment(np.where(near_NM, distance_NM, FAR))
    kept = near_NM[one, other]
    return one[kept], other[kept]
