"""Connected regions of a label map: which pixels belong together, how many there are, and where.

Shape suffixes: H height, W width, R regions, C classes, G cells of the grid of places along each side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum_filter

GRID = 16  # cells along each side of a map of places


@dataclass(frozen=True)
class Regions:
    """The regions of one image.

    number_HW: int32, which region a pixel belongs to, counted from 1; 0 for none.
    label_R: the class of each; class 0, '-', has none.
    area_px_R: its pixels.
    """

    number_HW: NDArray[np.int32]
    label_R: NDArray[np.int64]
    area_px_R: NDArray[np.int64]


def regions(labels_HW: NDArray[np.integer], least_px: float, join: int = 0) -> Regions:
    """Connected regions of every class but '-', those of a class that are at most `join` pixels apart as one.

    Pixels are neighbours along rows and columns.

    Args:
        least_px: regions of no more pixels are left out, as specks.
    """
    number_HW = np.zeros(labels_HW.shape, dtype=np.int32)
    owners: list[int] = [0]
    for name, box in enumerate(find_objects(labels_HW), start=1):
        if box is None:
            continue
        mask = labels_HW[box] == name
        grown = maximum_filter(np.pad(mask, join), size=join + 1) if join else mask
        found, count = label(grown)
        found = found[join : found.shape[0] - join, join : found.shape[1] - join]
        number_HW[box][mask] = found[mask] + (len(owners) - 1)
        owners += [name] * count
    area_px = np.bincount(number_HW.ravel(), minlength=len(owners))
    kept = area_px > least_px
    kept[0] = False
    renumbered = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return Regions(renumbered[number_HW], np.array(owners)[kept], area_px[kept])


def numbers(found: Regions, num_classes: int) -> NDArray[np.int64]:
    """How many regions of each class there are, (C,)."""
    return np.bincount(found.label_R, minlength=num_classes)


def places(labels_HW: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class in each cell of a grid over the image, (C, G, G)."""
    cell_HW = cells(labels_HW.shape, (GRID, GRID))
    joint = labels_HW.astype(np.int64) * GRID**2 + cell_HW
    return np.bincount(joint.ravel(), minlength=num_classes * GRID**2).reshape(num_classes, GRID, GRID)


def cells(shape: tuple[int, ...], grid: tuple[int, ...]) -> NDArray[np.int64]:
    """Which cell of a grid, counted by rows, each pixel's centre lies in: (H, W)."""
    rows, columns = (((2 * np.arange(side) + 1) * count // (2 * side)) for side, count in zip(shape, grid, strict=True))
    return rows[:, None] * grid[1] + columns


def coverage(
    number_HW: NDArray[np.integer], chosen_R: NDArray[np.integer], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Which share of each chosen region lies in each cell of a grid: (R, cells), rows sum to 1."""
    place = np.full(int(number_HW.max()) + 1, -1)
    place[chosen_R] = np.arange(len(chosen_R))
    own_HW = place[number_HW]
    inside = own_HW >= 0
    size = grid[0] * grid[1]
    joint = own_HW[inside] * size + cells(number_HW.shape, grid)[inside]
    counts = np.bincount(joint, minlength=len(chosen_R) * size).reshape(len(chosen_R), size)
    return (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
