"""What a photo has and its reconstruction has not.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
Areas = NDArray[np.float64] | np.float64
LOST_SHARE = 0.5  # a class is lost if the reconstruction has less than this share of its area
RESAMPLES = 2000


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


@dataclass(frozen=True)
class ClassOmission:
    """One class over all images that show it; areas are means in percent of the image, of converged images alone.

    num_images, num_unconverged: images that show the class, by whether their inversion came to rest.
    num_lost: images that have lost it, see `is_lost`.
    num_control, num_control_lost, noise_floor: the same of the generator's own samples; `noise_floor` is their mean
        `lost_area`, NaN without any.
    excess: `lost_area` above the noise floor, or all of it where that is unknown; `low` and `high` hold it with the
        confidence asked for: percentiles over resamples of both groups of images.
    """

    name: str
    num_images: int
    num_unconverged: int
    num_lost: int
    photo_area: float
    reconstruction_area: float
    lost_area: float
    num_control: int
    num_control_lost: int
    noise_floor: float
    excess: float
    low: float
    high: float


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


def class_omissions(
    rows: Sequence[Omission],
    control: Sequence[Omission],
    shown_percent: float,
    confidence: float,
    seed_of: Callable[[str], int],
) -> list[ClassOmission]:
    """What was lost of each class, the most above the noise floor first.

    Args:
        control: rows of the generator's own samples.
        shown_percent: an image shows a class that covers more of it than this.
        confidence: two-sided level of the intervals.
        seed_of: class -> seed of its resamples.
    """
    names = dict.fromkeys(row.name for row in rows if row.photo_area > shown_percent)
    found = [
        _class_omission(
            [row for row in rows if row.name == name and row.photo_area > shown_percent],
            [row for row in floor_rows(control, shown_percent) if row.name == name],
            np.random.default_rng(seed_of(name)),
            confidence,
        )
        for name in names
    ]
    return sorted(found, key=lambda entry: (-np.nan_to_num(entry.excess, nan=-np.inf), entry.name))


def floor_rows(control: Sequence[Omission], shown_percent: float) -> list[Omission]:
    """Of the generator's own samples, those that count for the noise floor: converged ones that show the class."""
    return [row for row in control if row.converged and row.photo_area > shown_percent]


def noise_floor(control: Sequence[Omission], shown_percent: float) -> dict[str, float]:
    """Mean `lost_area` of each class over the generator's own samples that show it."""
    lost: dict[str, list[float]] = {}
    for row in floor_rows(control, shown_percent):
        lost.setdefault(row.name, []).append(row.lost_area)
    return {name: _mean(areas) for name, areas in lost.items()}


def _class_omission(
    rows: Sequence[Omission], control: Sequence[Omission], rng: np.random.Generator, confidence: float
) -> ClassOmission:
    sure = [row for row in rows if row.converged]
    lost_N, floor_N = (np.array([row.lost_area for row in group]) for group in (sure, control))
    excess_B = _resampled_means(lost_N, rng) - np.nan_to_num(_resampled_means(floor_N, rng))
    low, high = np.quantile(excess_B, [(1 - confidence) / 2, (1 + confidence) / 2])
    floor = _mean(floor_N)
    return ClassOmission(
        name=rows[0].name,
        num_images=len(sure),
        num_unconverged=len(rows) - len(sure),
        num_lost=sum(map(is_lost, sure)),
        photo_area=_mean([row.photo_area for row in sure]),
        reconstruction_area=_mean([row.reconstruction_area for row in sure]),
        lost_area=_mean(lost_N),
        num_control=len(control),
        num_control_lost=sum(map(is_lost, control)),
        noise_floor=floor,
        excess=_mean(lost_N) - float(np.nan_to_num(floor)),
        low=float(low),
        high=float(high),
    )


def is_lost(row: Omission) -> bool:
    """Whether the image has lost the class, not only some of it."""
    return bool(most_is_lost(np.float64(row.photo_area), np.float64(row.reconstruction_area)))


def most_is_lost(photo_area: Areas, reconstruction_area: Areas) -> NDArray[np.bool_]:
    """Whether a class is lost: less than `LOST_SHARE` of its area is left; for areas of any shape."""
    return np.asarray(reconstruction_area < LOST_SHARE * photo_area)


def _resampled_means(values_N: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Means of `RESAMPLES` resamples; NaN of no values."""
    if not len(values_N):
        return np.full(RESAMPLES, np.nan)
    return np.asarray(values_N[rng.integers(len(values_N), size=(RESAMPLES, len(values_N)))].mean(axis=1))


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
