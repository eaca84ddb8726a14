"""An inverted source as the page looks at it: photos, reconstructions, label maps and what was lost.

Shape suffixes: N images, H height, W width, C classes, S steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lacuna.areas.omissions import class_areas, most_is_lost
from lacuna.report.figures.colours import BACKGROUND


@dataclass(frozen=True)
class Inverted:
    """One inverted source, all shards together.

    Attributes:
        total_loss_NS: loss over the steps logged, NaN after an image has stopped.
        lost_NHW: pixels that show a class in the photo and another in the reconstruction.
        is_floor: the images are the generator's own.
        is_decoder: the generator is an autoencoder's, below whatever draws its latents.
        shown_percent: a photo shows a class that covers more of it than this.
        evaluation: rows of the evaluation of all methods.
        ranking: a row for each class that a photo shows, as `omissions` counted what is lost of it.
        methods: what each method made of the first images, (n, H, W, 3) each; empty where there is but one method.
    """

    generator: str
    source: str
    method: str
    is_floor: bool
    is_decoder: bool
    index_N: NDArray[np.int64]
    x_NHW3: NDArray[np.uint8]
    x_hat_NHW3: NDArray[np.uint8]
    converged_N: NDArray[np.bool_]
    total_loss_NS: NDArray[np.float64]
    labels_photo_NHW: NDArray[np.integer]
    labels_reconstruction_NHW: NDArray[np.integer]
    lost_NHW: NDArray[np.bool_]
    classes: list[str]
    shown_percent: float
    evaluation: list[dict[str, str]]
    ranking: list[dict[str, str]]
    methods: dict[str, NDArray[np.uint8]]

    @cached_property
    def photo_areas(self) -> NDArray[np.float64]:
        """(N, C) areas in the photos, percent of the image."""
        return class_areas(self.labels_photo_NHW, len(self.classes))

    @cached_property
    def reconstruction_areas(self) -> NDArray[np.float64]:
        """(N, C) areas in the reconstructions, percent of the image."""
        return class_areas(self.labels_reconstruction_NHW, len(self.classes))

    @cached_property
    def shown(self) -> NDArray[np.bool_]:
        """(N, C) whether the photo shows the class."""
        return self.photo_areas > self.shown_percent

    @cached_property
    def lost(self) -> NDArray[np.bool_]:
        """(N, C) whether the photo shows the class and its reconstruction has lost it."""
        return self.shown & most_is_lost(self.photo_areas, self.reconstruction_areas)

    @cached_property
    def lost_percent(self) -> NDArray[np.float64]:
        """(N,) area by which the classes that each photo lost have shrunk, percent of the image."""
        lost_NC = np.where(self.lost, self.photo_areas - self.reconstruction_areas, 0.0)
        lost_NC[:, [name == BACKGROUND for name in self.classes]] = 0.0
        return np.asarray(lost_NC.sum(axis=1))

    @cached_property
    def pixel_errors(self) -> NDArray[np.float64]:
        """(N,) mean absolute difference of photo and reconstruction, as a share of the range of a pixel."""
        pairs = zip(self.x_NHW3, self.x_hat_NHW3, strict=True)  # an image at a time: all at once would need much memory
        return np.array([np.abs(x_HW3.astype(np.float32) - x_hat_HW3).mean() / 255 for x_HW3, x_hat_HW3 in pairs])

    def lost_region(self, row: int) -> NDArray[np.bool_]:
        """Where one photo shows a class that it lost, and its reconstruction another."""
        numbers = [number for number in np.flatnonzero(self.lost[row]) if self.classes[number] != BACKGROUND]
        return np.asarray(self.lost_NHW[row] & np.isin(self.labels_photo_NHW[row], numbers))

    def lost_classes(self, row: int) -> list[tuple[str, float, float]]:
        """Classes that one photo lost with their area in it and in its reconstruction, the largest loss first."""
        before_C, after_C = self.photo_areas[row], self.reconstruction_areas[row]
        lost = [number for number in np.flatnonzero(self.lost[row]) if self.classes[number] != BACKGROUND]
        lost.sort(key=lambda number: after_C[number] - before_C[number])
        return [(self.classes[number], float(before_C[number]), float(after_C[number])) for number in lost]

    def lost_area(self, name: str) -> float:
        """Mean area of a class in the converged photos that lost it, percent of the image."""
        number = self.classes.index(name)
        return float(self.photo_areas[self.lost[:, number] & self.converged_N, number].mean())

    def present(self, row: int) -> set[str]:
        """Classes of either label map of one image."""
        labels = {*np.unique(self.labels_photo_NHW[row]), *np.unique(self.labels_reconstruction_NHW[row])}
        return {self.classes[int(label)] for label in labels}

    def names(self, labels_HW: NDArray[np.integer]) -> str:
        """Classes of one label map in words, the largest first."""
        labels, counts = np.unique(labels_HW, return_counts=True)
        return ", ".join(self.classes[int(label)] for label in labels[np.argsort(-counts)])


def legend_classes(found: Sequence[Inverted]) -> list[str]:
    """Classes that any label map of the page shows, by the area they cover."""
    areas: dict[str, float] = {}
    for item in found:
        totals = item.photo_areas.sum(axis=0) + item.reconstruction_areas.sum(axis=0)
        for name, total in zip(item.classes, totals, strict=True):
            areas[name] = areas.get(name, 0.0) + float(total)
    return sorted((name for name, total in areas.items() if total > 0), key=lambda name: -areas[name])


def total_loss(loss_NST: NDArray[np.floating], terms: Sequence[str]) -> NDArray[np.float64]:
    """The loss that falls: the term called `total` where there is one, else the sum of all."""
    if "total" in terms:
        return loss_NST[:, :, list(terms).index("total")].astype(np.float64)
    return np.asarray(loss_NST.sum(axis=2, dtype=np.float64))
