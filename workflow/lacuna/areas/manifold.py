"""Precision and recall in class-area space: does a generator invent images, or does it drop some?

Shape suffixes: N images of a set, M images of the other, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

Array = NDArray[np.float64]
NEIGHBOURS = 3  # k of the published method
CHUNK_ROWS = 512  # 40 MB of distances to 10,000 images
STANDARD_ERRORS = 2.0  # a difference under this many of its own standard errors is called chance


@dataclass(frozen=True)
class PrecisionRecall:
    """precision: share of generated images among the real ones; recall: of real images among the generated ones."""

    precision: float
    recall: float


def precision_recall(real_NC: Array, generated_MC: Array, neighbours: int = NEIGHBOURS) -> PrecisionRecall:
    """Each set covers the balls around its images that reach to their k-th nearest neighbour in the set.

    Areas should be pixel counts: squared distances of whole numbers are exact, so equal rows are at distance 0.

    Source:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, section 3.
    """
    if min(len(real_NC), len(generated_MC)) <= neighbours:
        raise UserError(
            f"{len(real_NC)} real and {len(generated_MC)} generated images, expected more than {neighbours} of each"
        )
    reach_N, reach_M = (squared_reach(rows, neighbours) for rows in (real_NC, generated_MC))
    covered_M, covered_N = np.zeros(len(generated_MC), dtype=bool), np.zeros(len(real_NC), dtype=bool)
    for rows, squared in squared_distances(generated_MC, real_NC):
        covered_M[rows] = (squared <= reach_N).any(axis=1)
        covered_N |= (squared <= reach_M[rows, None]).any(axis=0)
    return PrecisionRecall(float(covered_M.mean()), float(covered_N.mean()))


def squared_reach(rows_NC: Array, neighbours: int) -> Array:
    """(N,) squared distance of each row to its k-th nearest other row."""
    found = [
        np.partition(squared, neighbours, axis=1)[:, neighbours]  # place 0 is the row itself
        for _, squared in squared_distances(rows_NC, rows_NC)
    ]
    return np.concatenate(found)


def squared_distances(one_NC: Array, other_MC: Array) -> Iterator[tuple[slice, Array]]:
    """Rows of `one_NC` and their squared distances (rows, M) to all of `other_MC`, a chunk at a time."""
    lengths_M = (other_MC**2).sum(axis=1)
    for first in range(0, len(one_NC), CHUNK_ROWS):
        rows = slice(first, min(first + CHUNK_ROWS, len(one_NC)))
        chunk = one_NC[rows]
        squared = (chunk**2).sum(axis=1)[:, None] + lengths_M - 2 * (chunk @ other_MC.T)
        yield rows, np.maximum(squared, 0)


def at_work(found: PrecisionRecall, baseline: PrecisionRecall, num_images: int) -> str:
    """What a generator does, beyond chance: `dropping` images (its recall is under that of real ones), `inventing`
    some (its precision is), `both` or `neither`; all four numbers are shares of `num_images` images.
    """
    dropping = _under(found.recall, baseline.recall, num_images)
    inventing = _under(found.precision, baseline.precision, num_images)
    if dropping and inventing:
        return "both"
    return "dropping" if dropping else "inventing" if inventing else "neither"


def _under(share: float, other: float, num_images: int) -> bool:
    """Whether a share lies under another by more than their chance difference."""
    error = np.sqrt((share * (1 - share) + other * (1 - other)) / num_images)
    return bool(other - share > STANDARD_ERRORS * error)
