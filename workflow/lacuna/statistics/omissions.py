"""What a photo has and its reconstruction has not.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class Omission:
    """One class in one image; areas in percent of the image.

    lost_area: of the pixels that have the class in the photo and another in the reconstruction.
    converged: whether the inversion came to rest; if not, what it lacks says nothing of the generator.
    noise_floor: mean `lost_area` of the class over the generator's own samples that have it; NaN where none has, or
        where there are none.
    """

    index: int
    name: str
    photo_area: float
    reconstruction_area: float
    lost_area: float
    converged: bool
    noise_floor: float


def class_areas(labels_NHW: Labels, num_classes: int) -> NDArray[np.float64]:
    """(N, C) share of each image that each class covers, in percent."""
    return class_counts(labels_NHW, num_classes) * (100.0 / labels_NHW[0].size)


def class_counts(labels_NHW: Labels, num_classes: int) -> NDArray[np.int64]:
    """(N, C) pixels of each image that each class covers."""
    return np.stack([np.bincount(labels.ravel(), minlength=num_classes) for labels in labels_NHW])


def lost_areas(photo_NHW: Labels, reconstruction_NHW: Labels, num_classes: int) -> NDArray[np.float64]:
    """(N, C) percent of each image that has a class in the photo and another in the reconstruction."""
    kept_NHW = np.where(photo_NHW == reconstruction_NHW, photo_NHW, num_classes)
    return class_areas(photo_NHW, num_classes) - class_areas(kept_NHW, num_classes + 1)[:, :-1]


def rank_images(rows: Sequence[Omission], name: str) -> list[Omission]:
    """Images that have the class, most of it lost first; images that did not converge come after all others."""
    found = [row for row in rows if row.name == name and row.photo_area > 0]
    return sorted(found, key=lambda row: (not row.converged, -row.lost_area, row.index))


def rank_classes(rows: Sequence[Omission]) -> list[tuple[str, float]]:
    """Classes and the mean area lost above the noise floor, greatest first; over the converged images that have them.

    An unknown noise floor counts as 0.
    """
    excess: dict[str, list[float]] = {}
    for row in rows:
        if row.converged and row.photo_area > 0:
            excess.setdefault(row.name, []).append(row.lost_area - np.nan_to_num(row.noise_floor))
    means = [(name, float(np.mean(values))) for name, values in excess.items()]
    return sorted(means, key=lambda entry: (-entry[1], entry[0]))
