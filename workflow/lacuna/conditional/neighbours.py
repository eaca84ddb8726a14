"""Nearest images by L1 distance, among more than fit in memory.

Means over boxes bound the distance from below, so most candidates are never compared pixel by pixel; the result is
exact all the same.

Shape suffixes: S samples, M images of a chunk, J neighbours, H height, W width, P pixels times colours.

Source:
    Odena et al. 2017, arXiv:1610.09585, section 4.4: a generator that has learnt by heart is near to training images.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BOX = 4  # pixels
BLOCK = 16  # candidates compared at a time


@dataclass(frozen=True)
class Neighbours:
    """Nearest images of each sample, the nearest first.

    Attributes:
        distance: (S, J) mean absolute difference of the bytes, 0 to 255.
        row: (S, J) rows of the images.
    """

    distance: NDArray[np.float64]
    row: NDArray[np.int64]


def nearest(
    samples_SHW3: NDArray[np.uint8], chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.uint8]]], count: int
) -> Neighbours:
    """The `count` nearest of all images that come in `chunks` of (rows, images), read once.

    Raises:
        ValueError: images of another size than the samples, or fewer than `count`.
    """
    S, P = len(samples_SHW3), samples_SHW3[0].size
    samples_SP, boxes_SP = torch.from_numpy(samples_SHW3.reshape(S, P).astype(np.int16)), box_sums(samples_SHW3)
    distance_SJ = np.full((S, count), np.iinfo(np.int64).max)
    row_SJ = np.full((S, count), -1, dtype=np.int64)
    for rows, images_MHW3 in chunks:
        if images_MHW3.shape[1:] != samples_SHW3.shape[1:]:
            raise ValueError(
                f"training images of {images_MHW3.shape[1]} pixels, samples of {samples_SHW3.shape[1]}, expected equal"
            )
        images_MP = torch.from_numpy(images_MHW3.reshape(len(rows), P).astype(np.int16))
        bound_SM = torch.cdist(boxes_SP, box_sums(images_MHW3), p=1).numpy()
        for sample in range(S):
            _merge(samples_SP[sample], images_MP, rows, bound_SM[sample], distance_SJ[sample], row_SJ[sample])
    if (row_SJ < 0).any():
        raise ValueError(f"fewer than {count} training images, expected as many as the neighbours asked for")
    return Neighbours(distance_SJ / P, row_SJ)


def box_sums(images_NHW3: NDArray[np.uint8]) -> Tensor:
    """(N, boxes) sums over boxes of BOX x BOX pixels, each colour; what fits in no box counts as 0."""
    N, H, W, _ = images_NHW3.shape
    h, w = H // BOX, W // BOX
    boxes = images_NHW3[:, : h * BOX, : w * BOX].reshape(N, h, BOX, w, BOX, 3)
    return torch.from_numpy(boxes.sum(axis=(2, 4), dtype=np.float32).reshape(N, -1))


def _merge(
    sample_P: Tensor,
    images_MP: Tensor,
    rows: NDArray[np.int64],
    bound_M: NDArray[np.float32],
    distance_J: NDArray[np.int64],
    row_J: NDArray[np.int64],
) -> None:
    """Let the images of a chunk that are nearer than the worst neighbour so far take its place."""
    order = np.argsort(bound_M)
    for first in range(0, len(order), BLOCK):
        block = order[first : first + BLOCK]
        # Sums of bytes stay below 2^24, so the bounds are exact; 1e-6 is for their sum.
        block = block[bound_M[block] * (1 - 1e-6) < distance_J[-1]]
        if not len(block):
            break
        exact = (images_MP[torch.from_numpy(block)] - sample_P).abs_().sum(dim=1, dtype=torch.int64).numpy()
        distances = np.concatenate([distance_J, exact])
        best = np.argsort(distances, kind="stable")[: len(distance_J)]
        found = np.concatenate([row_J, rows[block]])[best]
        distance_J[:], row_J[:] = distances[best], found
