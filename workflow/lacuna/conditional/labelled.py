"""Labelled images of one source, looked at class by class.

Shape suffixes: N images, K classes, H height, W width.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError
from lacuna.formats.images import ImageShards

FEWEST_IMAGES = 2  # of a class: below, there is no pair


class LabelledImages:
    """The first `count` images of a source's shards.

    Attributes:
        labels: (N,) label of each.
        classes: labels that occur, in order.
        size: pixels per side.

    Raises:
        UserError: no labels, a label out of range, or a class with fewer than two images.
    """

    def __init__(self, paths: Sequence[str | Path], count: int, num_classes: int) -> None:
        self._shards = ImageShards(paths)
        try:
            if "label" not in self._shards:
                raise UserError(
                    f"{paths[0]}: no labels, expected a source with classes: a world, labelled folders, or a generator "
                    "of classes"
                )
            self.labels: NDArray[np.int64] = self._shards.read("label", slice(0, count)).astype(np.int64)
            if not len(self.labels):
                raise UserError(f"{paths[0]}: no image in this and the other shards could be read; replace the files")
            check_labels(self.labels, num_classes, str(paths[0]))
        except ValueError:
            self.__exit__(None, None, None)
            raise
        self.classes = [int(label) for label in np.unique(self.labels)]
        self.size = self._shards.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shards.__exit__(kind, error, trace)

    def __len__(self) -> int:
        return len(self.labels)

    def rows_of(self, label: int) -> NDArray[np.int64]:
        """Rows of the images of a class."""
        return np.flatnonzero(self.labels == label)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Images at these rows: (N, H, W, 3)."""
        return self._shards.read("images", rows)

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Rows and images of all, in order."""
        for first in range(0, len(self), batch_size):
            rows = np.arange(first, min(first + batch_size, len(self)))
            yield rows, self.read(rows)


def check_labels(label_N: NDArray[np.int64], num_classes: int, where: str) -> None:
    """Raise a ValueError unless labels are in [0, num_classes) and every class that occurs has at least two images."""
    if label_N.min() < 0 or label_N.max() >= num_classes:
        raise UserError(
            f"{where}: labels {label_N.min()} to {label_N.max()} in this and the other shards, expected 0 to "
            f"{num_classes - 1}, the classifier's; give the classifier that knows these classes"
        )
    labels, counts = np.unique(label_N, return_counts=True)
    if counts.min() < FEWEST_IMAGES:
        label = labels[counts.argmin()]
        raise UserError(
            f"{where}: {counts.min()} image of class {label} in this and the other shards, expected at least "
            f"{FEWEST_IMAGES}; ask for more images or leave the class out"
        )
