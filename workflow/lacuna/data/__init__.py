"""Where images come from: shards that the workflow made, or what a user has: a folder, an archive, arrays, an LMDB.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lacuna.config.grouping import group_codes
from lacuna.data.containers.listing import Data
from lacuna.data.decoding import FRAMES, opened, printable, reason
from lacuna.data.held import Asked, Plan, planned
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.formats.areas import Skipped
from lacuna.formats.images import ImageShards

Batch = tuple[NDArray[np.int64], NDArray[np.uint8]]  # index_N, images_NHW3


class Images(Protocol):
    """Images of one shard, of one size.

    Once the batches are used up, `skipped` holds what could not be read, and `resolutions` the lowest and highest
    shorter side before the final size.
    """

    skipped: list[Skipped]
    resolutions: tuple[int, int] | None
    multi_frame: int  # files of several frames or pages, of which the first was read
    listing: Mapping[str, str]  # digest of the entries that the images have, by the path of a user's source

    @property
    def image_px(self) -> int:
        """Pixels of one image."""

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield the readable images in order, at most `batch_size` at a time."""

    def groups(self, index_N: NDArray[np.int64], rule: str | None) -> NDArray[np.uint64] | None:
        """Code of the group of each of these images; None where the source has no groups."""


class ShardImages:
    """Images `first` to `last` of the image shards that hold them."""

    def __init__(self, paths: Sequence[str | Path], first: int, last: int, preparation: Preparation) -> None:
        self.multi_frame = 0
        self.listing: Mapping[str, str] = {}
        self._shards = ImageShards(paths)
        self.skipped: list[Skipped] = [row for row in self._shards.skipped if first <= row.index <= last]
        self._prepare = preparation
        self._rows = np.flatnonzero((self._shards.index >= first) & (self._shards.index <= last))
        if len(self._rows) + len(self.skipped) != last - first + 1:
            raise UserError(f"{paths[0]}: holds {len(self._rows)} of images {first}-{last}; delete it and run again")
        side = min(self.size, preparation.resolution or self.size)
        self.resolutions: tuple[int, int] | None = (side, side)

    @property
    def size(self) -> int:
        """Height in pixels of the images in the shards."""
        return self._shards.size

    @property
    def image_px(self) -> int:
        """Pixels of one image."""
        return (self._prepare.size or self._prepare.resolution or self.size) ** 2

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield the images in order, at most `batch_size` at a time."""
        keep = Preparation(None)
        as_they_are = self._prepare in (keep, Preparation(self.size))
        for start in range(0, len(self._rows), batch_size):
            rows = self._rows[start : start + batch_size]
            images_NHW3 = self._shards.read("images", rows)
            if not as_they_are:
                images_NHW3 = np.stack([self._prepare(Image.fromarray(image)) for image in images_NHW3])
            yield self._shards.index[rows], images_NHW3

    def groups(self, index_N: NDArray[np.int64], rule: str | None) -> NDArray[np.uint64] | None:
        """Code of the group of each of these images, as the shards have it; None where they have none."""
        if "group" not in self._shards:
            return None
        rows = self._rows[np.searchsorted(self._shards.index[self._rows], index_N)]
        return self._shards.read("group", rows)


class FileImages:
    """Images that are read by name; the first is number `first` of its source."""

    def __init__(self, names: Sequence[str], first: int, read: Callable[[str], Data], preparation: Preparation) -> None:
        assert preparation.size is not None, "files of any size are brought to one"
        self.skipped: list[Skipped] = []
        self.resolutions: tuple[int, int] | None = None
        self.multi_frame = 0
        self.listing: Mapping[str, str] = {}
        self._names, self._first, self._read, self._prepare = names, first, read, preparation
        self.image_px = preparation.size**2

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield the readable images in order, at most `batch_size` at a time; note the others in `skipped`."""
        self.skipped.clear()
        self.resolutions, self.multi_frame = None, 0
        for start in range(0, len(self._names), batch_size):
            index, images = [], []
            for place, name in enumerate(self._names[start : start + batch_size], start=start):
                try:
                    image = opened(self._read(name), self._prepare.ground)
                    images.append(self._prepare(image))
                except Exception as error:
                    self.skipped.append(Skipped(self._first + place, printable(name), reason(error)))
                    continue
                self.multi_frame += image.info[FRAMES] > 1
                index.append(self._first + place)
                low, high = self.resolutions or (1 << 31, 0)
                side = self._prepare.resolution_of(image)
                self.resolutions = min(low, side), max(high, side)
            if images:
                yield np.array(index, dtype=np.int64), np.stack(images)

    def groups(self, index_N: NDArray[np.int64], rule: str | None) -> NDArray[np.uint64] | None:
        """Code of the group of each of these images, from its name; None without a rule."""
        return None if rule is None else group_codes([self._names[index - self._first] for index in index_N], rule)


def shards_of(paths: Sequence[str]) -> list[str]:
    """The image shards among the paths of a source; what a user has is known by its listing instead."""
    return [path for path in paths if Path(path).suffix == ".h5"]


def open_images(
    paths: Sequence[str | Path],
    first: int,
    last: int,
    preparation: Preparation,
    subset_seed: int | None = None,
    plan: Plan | None = None,
    stored_size: int | None = None,
) -> ShardImages | FileImages:
    """Images `first` to `last` of a source: its HDF5 shards, or what a user has.

    Args:
        subset_seed: what a user has is counted in the random order of this seed.
        plan: of the workflow; where there is none, the images are listed.
        stored_size: side in pixels of the images to read, where an LMDB holds several sizes.

    Raises:
        UserError: the files have changed since the plan.
    """
    if shards_of([str(paths[0])]):
        return ShardImages(paths, first, last, preparation)
    asked = Asked(str(paths[0]), False, subset_seed, stored_size)
    held = planned(asked, first, last, plan or Plan())
    container, mine = held.images(asked, first, last)
    images = FileImages([entry.name for entry in mine], first, container.reader(mine), preparation)
    images.listing = {asked.path: held.plan(first, last)}
    return images
