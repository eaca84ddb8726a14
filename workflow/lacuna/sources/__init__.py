"""Where images come from: shards that the workflow made, or a user's folder or zip file.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lacuna.formats.areas import Skipped
from lacuna.formats.images import ImageShards
from lacuna.sources.folder import FolderImages

Batch = tuple[NDArray[np.int64], NDArray[np.uint8]]  # index_N, images_NHW3


class Images(Protocol):
    """Images of one shard, of one size; what could not be read is in `skipped` once the batches are used up."""

    skipped: list[Skipped]

    @property
    def image_px(self) -> int:
        """Pixels of one image."""

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield the readable images in order, at most `batch_size` at a time."""


class ShardImages:
    """Images `first` to `last` of the image shards that hold them."""

    def __init__(self, paths: Sequence[str | Path], first: int, last: int) -> None:
        self.skipped: list[Skipped] = []
        self._shards = ImageShards(paths)
        self._rows = np.flatnonzero((self._shards.index >= first) & (self._shards.index <= last))
        if len(self._rows) != last - first + 1:
            raise ValueError(f"{paths[0]}: holds {len(self._rows)} of images {first}-{last}; delete it and run again")

    @property
    def image_px(self) -> int:
        """Pixels of one image."""
        return self._shards.size**2

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield the images in order, at most `batch_size` at a time."""
        for start in range(0, len(self._rows), batch_size):
            rows = self._rows[start : start + batch_size]
            yield self._shards.index[rows], self._shards.read("images", rows)


def open_images(paths: Sequence[str | Path], first: int, last: int, size: int) -> Images:
    """Images `first` to `last` of a source: its HDF5 shards, or one folder or zip file.

    Args:
        size: pixels a side that images of a folder are brought to; shards keep the size that they have.
    """
    if Path(paths[0]).suffix == ".h5":
        return ShardImages(paths, first, last)
    return FolderImages(paths[0], first, last, size)
