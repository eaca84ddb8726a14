"""How many images show a class.

Shape suffixes: N images, C classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Presence:
    """Share of images that show each class, with Wilson's interval: (C,) each."""

    rate_C: Array
    low_C: Array
    high_C: Array


def presence(area_NC: NDArray, least: float, confidence: float) -> Presence:
    """An image shows a class whose area is more than `least`, in the unit of the areas."""
    N = len(area_NC)
    count_C = (area_NC > least).sum(axis=0)
    intervals = [stats.binomtest(int(count), N).proportion_ci(confidence, method="wilson") for count in count_C]
    low_C, high_C = (np.array([getattr(found, side) for found in intervals]) for side in ("low", "high"))
    return Presence(count_C / N, low_C, high_C)
