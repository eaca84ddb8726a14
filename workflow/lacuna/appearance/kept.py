"""What is kept of the regions of some images, and of many such parts together.

Shape suffixes: N images, C classes, G cells along a side, R regions, D features.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .crops import Crop


@dataclass(frozen=True)
class KeptRegions:
    """Regions with their features: class (a position in the table's list), image, priority and area of each."""

    column: NDArray[np.int64]
    image: NDArray[np.int64]
    priority: NDArray[np.uint64]
    area_px: NDArray[np.int64]
    feature: NDArray[np.float16]  # (R, D)

    def chosen(self, rows: NDArray) -> KeptRegions:
        """Some of them."""
        return KeptRegions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class KeptCrops:
    """Regions as pictures."""

    column: NDArray[np.int64]
    image: NDArray[np.int64]
    priority: NDArray[np.uint64]
    crops: list[Crop] = field(default_factory=list)

    def chosen(self, rows: NDArray) -> KeptCrops:
        """Some of them."""
        return KeptCrops(
            self.column[rows], self.image[rows], self.priority[rows], [self.crops[row] for row in rows.tolist()]
        )


@dataclass(frozen=True)
class RegionTable:
    """All that is known of the regions of some images.

    num_regions: (N, C) connected regions of each class.
    place_px: (C, G, G) pixels of each class in each cell of a grid, over all images.
    blocks: how the features divide.
    group: (N,) code of each image's group, where images have groups.
    """

    index: NDArray[np.int64]
    num_regions: NDArray[np.uint16]
    place_px: NDArray[np.int64]
    classes: list[str]
    categories: list[str]
    image_px: int
    blocks: tuple[int, ...]
    kept: KeptRegions
    crops: KeptCrops
    group: NDArray[np.uint64] | None = None

    @property
    def place(self) -> NDArray[np.float64]:
        """Share of each cell that each class covers on average, (C, G, G)."""
        cells = self.place_px.shape[1] * self.place_px.shape[2]
        return self.place_px * (cells / max(len(self.index) * self.image_px, 1))


def merged(tables: Iterable[RegionTable], features: int, crops: int) -> RegionTable:
    """Parts as one: at most so many regions of each class with features and as pictures, those of lowest priority."""
    whole: RegionTable | None = None
    for part in tables:
        whole = _both(whole, part) if whole else part
        whole = replace(
            whole,
            kept=whole.kept.chosen(lowest(whole.kept.column, whole.kept.priority, features)),
            crops=whole.crops.chosen(lowest(whole.crops.column, whole.crops.priority, crops)),
        )
    assert whole is not None, "a source has images"
    return whole


def _both(one: RegionTable, other: RegionTable) -> RegionTable:
    def joined(name: str) -> NDArray:
        return np.concatenate([getattr(one, name), getattr(other, name)])

    kept, crops = (
        {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
        for first, second, names in (
            (one.kept, other.kept, tuple(KeptRegions.__dataclass_fields__)),
            (one.crops, other.crops, ("column", "image", "priority")),
        )
    )
    return replace(
        one,
        index=joined("index"),
        num_regions=joined("num_regions"),
        place_px=one.place_px + other.place_px,
        kept=KeptRegions(**kept),
        crops=KeptCrops(**crops, crops=one.crops.crops + other.crops.crops),
        group=None if one.group is None else joined("group"),
    )


def lowest(column_R: NDArray, priority_R: NDArray, size: int) -> NDArray[np.int64]:
    """Positions of the regions of lowest priority, `size` of each class at most, by class and priority."""
    order = np.lexsort((priority_R, column_R))
    starts = np.searchsorted(column_R[order], column_R[order])
    return order[np.arange(len(order)) - starts < size]


def one_of_each_group(kept: KeptRegions, index_N: NDArray, group_N: NDArray | None) -> KeptRegions:
    """The first region that each group of images has of each class; all where images are independent."""
    if group_N is None:
        return kept
    order = np.argsort(index_N)
    group_R = group_N[order][np.searchsorted(index_N[order], kept.image)]
    pairs = np.column_stack([kept.column.astype(np.uint64), group_R])
    return kept.chosen(np.sort(np.unique(pairs, axis=0, return_index=True)[1]))
