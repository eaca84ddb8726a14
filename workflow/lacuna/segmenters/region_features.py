"""How regions look to a network: its maps, averaged under each region, and the region's own colours.

Shape suffixes: N images, H height, W width, R regions, C channels, D features.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.appearance.regions import coverage
from lacuna.segmenters.segmenter import Segmenter

COLOURS = 6  # mean and deviation of red, green and blue


@contextmanager
def passing_maps(segmenter: Segmenter) -> Iterator[list[Tensor]]:
    """The list that the backbone's maps, finest first, of the last images to be labelled are put into.

    It stays empty where the segmenter does not show its backbone; regions are then told apart by their colours alone.
    """
    maps: list[Tensor] = []

    def keep(_module: torch.nn.Module, _inputs: tuple[Tensor, ...], outputs: Sequence[Tensor]) -> None:
        maps[:] = outputs

    handle = segmenter.backbone.register_forward_hook(keep) if segmenter.backbone else None
    try:
        yield maps
    finally:
        if handle:
            handle.remove()


def region_features(
    maps: Sequence[Tensor],
    image_HW3: NDArray[np.uint8],
    number_HW: NDArray[np.integer],
    chosen_R: NDArray[np.integer],
) -> NDArray[np.float16]:
    """Features of some regions of one image, (R, D).

    Args:
        maps: of this image, (C, h, w) each.
        number_HW: which region each pixel belongs to.
    """
    blocks = []
    shares: dict[tuple[int, int], Tensor] = {}
    for map_Chw in maps:
        size = (map_Chw.shape[1], map_Chw.shape[2])
        if size not in shares:
            shares[size] = torch.as_tensor(coverage(number_HW, chosen_R, size), device=map_Chw.device)
        blocks.append((shares[size] @ map_Chw.float().flatten(1).T).cpu().numpy())
    blocks.append(colours(image_HW3, number_HW, chosen_R))
    return np.concatenate(blocks, axis=1).clip(-60_000, 60_000).astype(np.float16)


def colours(
    image_HW3: NDArray[np.uint8], number_HW: NDArray[np.integer], chosen_R: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Mean and deviation of red, green and blue of each region, (R, COLOURS)."""
    own_P = number_HW.ravel()
    area_R = np.bincount(own_P)[chosen_R]
    found = []
    for channel_P in image_HW3.reshape(-1, 3).T.astype(np.float64):
        mean_R, square_R = (np.bincount(own_P, weights)[chosen_R] / area_R for weights in (channel_P, channel_P**2))
        found.append((mean_R, np.sqrt(np.maximum(square_R - mean_R**2, 0))))
    return np.column_stack([*(mean for mean, _ in found), *(spread for _, spread in found)]).astype(np.float32)
