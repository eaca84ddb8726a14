"""Real images for a GAN's training, in random order, read from shards.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats.images import ImageShards
from lacuna.networks.pixels import from_bytes
from lacuna.runtime import seeds


class RealImages:
    """Endless batches; which images are in one depends on the seed and on how many were shown before, alone."""

    def __init__(self, paths: Sequence[Path], count: int, batch_size: int, seed: int) -> None:
        self._shards = ImageShards(paths)
        if min(count, len(self._shards)) < max(batch_size, 1):
            self.close()
            raise UserError(
                f"{paths[0]}: {min(count, len(self._shards))} images in this and the other shards, expected at least a "
                f"batch of {batch_size}; ask for more images or lower batch_size"
            )
        count = min(count, len(self._shards))  # fewer, where files could not be read
        self.count, self.batch_size, self.seed, self.size = count, batch_size, seed, self._shards.size
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._shards.__exit__(None, None, None)

    def batch(self, shown: int, count: int, size: int) -> Tensor:
        """The `count` images that follow after `shown`: (N, 3, size, size) in [-1, 1]."""
        rows = [self._row(place) for place in range(shown, shown + count)]
        return to_training(self._shards.read("images", np.array(rows)), size)

    def _row(self, place: int) -> int:
        epoch, position = divmod(place, self.count)
        if self._order[0] != epoch:
            random = seeds.rng(self.seed, "order of real images", epoch)
            self._order = (epoch, random.permutation(self.count))
        return int(self._order[1][position])


class RealClasses(RealImages):
    """The same by class: place i of every batch is of class i mod K, each class in a random order of its own.

    Args:
        classes: labels of the K classes.

    Raises:
        UserError: images without labels, a class with fewer than two, or a batch that is no multiple of K.
    """

    def __init__(self, paths: Sequence[Path], count: int, batch_size: int, seed: int, classes: Sequence[int]) -> None:
        super().__init__(paths, count, batch_size, seed)
        try:
            self._rows_of = rows_of_classes(self._shards, count, classes, str(paths[0]))
            if batch_size % len(classes):
                raise UserError(f"batch_size {batch_size}, expected a multiple of the {len(classes)} classes")
        except ValueError:
            self.close()
            raise
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def _row(self, place: int) -> int:
        K = len(self._rows_of)
        batch, position = divmod(place, self.batch_size)
        seen = batch * (self.batch_size // K) + position // K
        epoch, at = divmod(seen, len(self._rows_of[position % K]))
        return int(self._order_of(position % K, epoch)[at])

    def _order_of(self, k: int, epoch: int) -> NDArray[np.int64]:
        if self._orders.get(k, (-1,))[0] != epoch:
            random = seeds.rng(self.seed, "order of real images", epoch, k)
            self._orders[k] = (epoch, random.permutation(self._rows_of[k]))
        return self._orders[k][1]


def rows_of_classes(shards: ImageShards, count: int, classes: Sequence[int], where: str) -> list[NDArray[np.int64]]:
    """Rows of each class among the first `count` images.

    Raises:
        UserError: no labels, or a class with fewer than two images.
    """
    if "label" not in shards:
        raise UserError(f"{where}: no labels, expected those of a source with classes; render scenes of the world")
    labels_N = shards.read("label", slice(0, count))
    rows = [np.flatnonzero(labels_N == label) for label in classes]
    for label, found in zip(classes, rows, strict=True):
        if len(found) < 2:
            raise UserError(
                f"{where}: {len(found)} images of class {label} in this and the other shards, expected at least 2; "
                "ask for more images or leave the class out"
            )
    return rows


def to_training(images_NHW3: NDArray[np.uint8], size: int) -> Tensor:
    """Bytes -> (N, 3, size, size) in [-1, 1], each pixel the mean of the box that it covers."""
    x_N3HW = from_bytes(images_NHW3)
    return F.avg_pool2d(x_N3HW, x_N3HW.shape[-1] // size)
