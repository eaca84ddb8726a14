"""Count, mean and covariance of class areas, chunk by chunk.

Shape suffixes: N images, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What the distance needs to know of one source.

    count: number of images; mean: (C,) float64, percent of image area; cov: (C, C) float64, divisor count - 1,
    all zero for a single image, which says nothing of spread.
    """

    count: int
    mean: Array
    cov: Array


def of_rows(areas_NC: NDArray, unit: float = 1.0) -> Moments:
    """Moments of a table of class areas, each value multiplied by `unit` (100 / pixels makes percent of pixel counts).

    Classes that no image shows are left out of the product of matrices, so they cost next to nothing.
    """
    if areas_NC.ndim != 2 or len(areas_NC) == 0:
        raise UserError(f"class areas have shape {areas_NC.shape}, expected (images, classes) with at least one image")
    count, num_classes = areas_NC.shape
    live = areas_NC.any(axis=0)
    rows_NC = areas_NC[:, live].astype(np.float64)
    mean_C = rows_NC.mean(axis=0)
    if not np.isfinite(mean_C).all():
        bad = int(np.flatnonzero(~np.isfinite(rows_NC).all(axis=1))[0])
        raise UserError(f"class areas hold NaN or infinity, first in row {bad}; mend that table or make it anew")
    rows_NC -= mean_C
    mean = np.zeros(num_classes)
    mean[live] = unit * mean_C
    cov = np.zeros((num_classes, num_classes))
    cov[np.ix_(live, live)] = unit**2 / max(count - 1, 1) * (rows_NC.T @ rows_NC)
    return Moments(count, mean, cov)


def of_sums(count: int, sum_C: NDArray[np.int64], product_CC: NDArray[np.int64], unit: float = 1.0) -> Moments:
    """Moments from sums over whole numbers, such as pixels, which add up exactly in any order.

    Args:
        sum_C: sum of the rows.
        product_CC: sum of the outer product of each row with itself.
    """
    # Python's integers have no largest one: count * product does not fit into 64 bits.
    total_C = sum_C.astype(object)
    scatter_CC = count * product_CC.astype(object) - np.outer(total_C, total_C)
    mean_C = sum_C.astype(np.float64) / count
    return Moments(count, unit * mean_C, unit**2 * scatter_CC.astype(np.float64) / count / max(count - 1, 1))


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of both samples together, exact up to rounding; the order of merging does not matter.

    Source:
        Chan, Golub, LeVeque 1979, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances.
    """
    if a.mean.shape != b.mean.shape:
        raise UserError(
            f"moments of {len(a.mean)} and of {len(b.mean)} classes cannot be merged; same class list expected"
        )
    count = a.count + b.count
    step_C = b.mean - a.mean
    scatter = (a.count - 1) * a.cov + (b.count - 1) * b.cov
    scatter += a.count * b.count / count * np.outer(step_C, step_C)
    return Moments(count, a.mean + b.count / count * step_C, scatter / (count - 1))


def streamed(chunks: Iterable[NDArray], unit: float = 1.0, where: Callable[[], str] | None = None) -> Moments:
    """Moments of all chunks of rows together; memory holds one chunk at a time.

    Args:
        where: says what is wrong if there is no row at all.
    """
    total: Moments | None = None
    for areas_NC in chunks:
        if len(areas_NC):
            part = of_rows(areas_NC, unit)
            total = part if total is None else merge(total, part)
    if total is None:
        raise UserError(where() if where else "no class areas at all, expected at least one image")
    return total


def restrict(moments: Moments, chosen: NDArray) -> Moments:
    """Moments of some of the classes, named by a mask or by positions."""
    columns = np.arange(len(moments.mean))[chosen]
    return Moments(moments.count, moments.mean[columns], moments.cov[np.ix_(columns, columns)])
