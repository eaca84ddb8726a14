"""Nearest images by L1 distance, among more than fit in memory.

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

from lacuna.errors import UserError


@dataclass(frozen=True)
class Neighbours:
    """Nearest images of each sample, the nearest first; of equally near ones the first that came.

    Attributes:
        distance: (S, J) mean absolute difference of the bytes, 0 to 255.
        row: (S, J) rows of the images.
    """

    distance: NDArray[np.float64]
    row: NDArray[np.int64]


def nearest(
    samples_SHW3: NDArray[np.uint8],
    chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.uint8]]],
    count: int,
    device: torch.device,
) -> Neighbours:
    """The `count` nearest of all images that come in `chunks` of (rows, images), read once.

    Every image is compared with every sample: a bound from reduced images excludes too few to be worth its code.

    Raises:
        UserError: images of another size than the samples, or fewer than `count`.
    """
    samples_SP = flat(samples_SHW3, device)
    S, P = samples_SP.shape
    distance_SJ = torch.empty(S, 0, device=device)
    row_SJ = torch.empty(S, 0, dtype=torch.int64, device=device)
    for rows, images_MHW3 in chunks:
        if images_MHW3.shape[1:] != samples_SHW3.shape[1:]:
            raise UserError(
                f"training images of {images_MHW3.shape[1]} pixels, samples of {samples_SHW3.shape[1]}, expected equal"
            )
        # Sums of bytes below 2^24, to 148 pixels, are exact in float32.
        distance_SM = torch.cdist(samples_SP, flat(images_MHW3, device), p=1)
        row_SM = torch.from_numpy(rows).to(device).expand(S, -1)
        nearer_SJ = torch.cat([distance_SJ, distance_SM], 1).sort(stable=True)
        distance_SJ = nearer_SJ.values[:, :count]
        row_SJ = torch.cat([row_SJ, row_SM], 1).gather(1, nearer_SJ.indices[:, :count])
    if distance_SJ.shape[1] < count:
        raise UserError(f"fewer than {count} training images, expected as many as the neighbours asked for")
    return Neighbours(distance_SJ.double().cpu().numpy() / P, row_SJ.cpu().numpy())


def flat(images_NHW3: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(N, P) bytes as float32."""
    return torch.from_numpy(images_NHW3).to(device).flatten(1).float()
