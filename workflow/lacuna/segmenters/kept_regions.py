"""What `segment` keeps of the regions of its images: numbers and places of all, features and pictures of a few.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lacuna.appearance.crops import Crop, crop
from lacuna.appearance.kept import KeptCrops, KeptRegions, RegionTable
from lacuna.appearance.regions import GRID, numbers, places, regions
from lacuna.appearance.reservoir import Reservoir
from lacuna.config.distribution import Regions as Settings
from lacuna.runtime.seeds import seed_for
from lacuna.segmenters.region_features import COLOURS, region_features


class Kept(NamedTuple):
    """A region whose features are kept."""

    image: int
    area_px: int
    feature: NDArray[np.float16]


class RegionKeeper:
    """Takes images a batch at a time; memory is bounded by the number of classes, not by that of images."""

    def __init__(self, classes: Sequence[str], categories: Sequence[str], settings: Settings, seed: int) -> None:
        self.classes, self.categories, self.settings, self.seed = list(classes), list(categories), settings, seed
        self._features: Reservoir[Kept] = Reservoir(settings.features)
        self._crops: Reservoir[tuple[int, Crop]] = Reservoir(settings.crops)
        self._place_px = np.zeros((len(classes), GRID, GRID), dtype=np.int64)
        self._numbers: list[NDArray[np.uint16]] = []
        self._widths: tuple[int, ...] = ()

    def add(
        self, index_N: NDArray[np.int64], images_NHW3: NDArray[np.uint8], labels: Mapping[str, NDArray[np.integer]],
        maps: Sequence[Tensor],
    ) -> None:  # fmt: skip
        """Look at some images.

        Args:
            labels: label maps (N, H, W) by head.
            maps: of the backbone, (N, C, h, w) each, finest first.
        """
        used = list(maps[: self.settings.maps])
        self._widths = tuple(level.shape[1] for level in used)
        for row, index in enumerate(index_N.tolist()):
            counted = [
                self._look(index, images_NHW3[row], labels_NHW[row], head, [level[row] for level in used])
                for head, labels_NHW in labels.items()
            ]
            self._numbers.append(np.concatenate(counted).astype(np.uint16))

    def _look(
        self, index: int, image_HW3: NDArray[np.uint8], labels_HW: NDArray[np.integer], head: str, maps: list[Tensor]
    ) -> NDArray[np.int64]:
        """Numbers of regions of one head's classes, (C,); what is wanted of these is kept in passing."""
        columns = np.flatnonzero(np.array(self.categories) == head)
        unnamed = int(head == "part")  # label 0 of the parts has no column
        num_labels = len(columns) + unnamed
        self._place_px[columns] += places(labels_HW, num_labels)[unnamed:]
        found = regions(labels_HW, self.settings.least_percent / 100 * labels_HW.size, self.settings.join)
        wanted: list[tuple[int, int, int]] = []  # column, priority, number of the region
        for label in np.unique(found.label_R).tolist():
            column = int(columns[label - unnamed])
            priority = seed_for(self.seed, "regions", head, self.classes[column], index)
            if self._features.wants(column, priority) or self._crops.wants(column, priority):
                own = np.flatnonzero(found.label_R == label)
                wanted.append((column, priority, int(own[priority % len(own)]) + 1))
        if wanted:
            chosen_R = np.array([number for _, _, number in wanted])
            features_RD = region_features(maps, image_HW3, found.number_HW, chosen_R)
            for (column, priority, number), feature in zip(wanted, features_RD, strict=True):
                self._features.add(column, priority, Kept(index, int(found.area_px_R[number - 1]), feature))
                if self._crops.wants(column, priority):
                    self._crops.add(column, priority, (index, crop(image_HW3, found.number_HW == number)))
        return numbers(found, num_labels)[unnamed:]

    def table(self, index_N: NDArray[np.int64], image_px: int, group: NDArray[np.uint64] | None) -> RegionTable:
        """All that was kept."""
        features, crops = self._features.chosen(), self._crops.chosen()
        blocks = (*self._widths, COLOURS)
        stacked = [thing.feature for _, _, thing in features]
        kept = KeptRegions(
            np.array([owner for owner, _, _ in features], dtype=np.int64),
            np.array([thing.image for _, _, thing in features], dtype=np.int64),
            np.array([priority for _, priority, _ in features], dtype=np.uint64),
            np.array([thing.area_px for _, _, thing in features], dtype=np.int64),
            np.stack(stacked) if stacked else np.empty((0, sum(blocks)), np.float16),
        )
        pictures = KeptCrops(
            np.array([owner for owner, _, _ in crops], dtype=np.int64),
            np.array([image for _, _, (image, _) in crops], dtype=np.int64),
            np.array([priority for _, priority, _ in crops], dtype=np.uint64),
            [picture for _, _, (_, picture) in crops],
        )
        counted = np.stack(self._numbers) if self._numbers else np.empty((0, len(self.classes)), np.uint16)
        return RegionTable(
            index_N, counted, self._place_px, self.classes, self.categories, image_px, blocks, kept, pictures, group
        )
