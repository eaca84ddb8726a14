"""What the statistics need of one source's table besides its moments: of fixed size, however many images there are.

Shape suffixes: N images of a chunk, C classes, G groups of images, S images of the sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .resampling import Blocks, deal_chunks

Array = NDArray[np.float64]
MOST_GROUPS = 10_000  # a side; a table of no more images is kept as it is
MOST_SAMPLE = 10_000  # images whose areas are kept, for what looks at single images


@dataclass(frozen=True)
class Sketch:
    """One source, in pixels: present_C images that show each class; areas summed over random groups of equally many
    images (a group is one image where there are few); areas of a random sample of images; moments of random blocks,
    None where there are too few images for any.
    """  # fmt: skip

    present_C: NDArray[np.int64]
    groups_GC: Array
    sample_SC: Array
    blocks: Blocks | None

    def columns(self, chosen: NDArray) -> Sketch:
        """The same for some of the classes."""
        blocks = self.blocks.columns(chosen) if self.blocks else None
        return Sketch(self.present_C[chosen], self.groups_GC[:, chosen], self.sample_SC[:, chosen], blocks)


def group_size(*counts: int) -> int:
    """Images a group, equal for both sides: 1 as long as no side has more than MOST_GROUPS images."""
    return max(1, -(-max(counts) // MOST_GROUPS))


def sketch(
    chunks: Iterable[NDArray], count: int, least_px: float, unit: float, size: int, rng: np.random.Generator
) -> Sketch:
    """Read the chunks once; memory holds one chunk and the sketch.

    Args:
        chunks: areas (N, C) in pixels, `count` rows in all.
        least_px: a class is present in an image where it covers more than this.
        unit: what a pixel is in the blocks' moments.
        size: images a group; images that fill no group are left out of the groups.
    """
    order = rng.permutation(count)
    groups = Groups(order // size if size > 1 else np.arange(count), count // size)
    sampled = order < MOST_SAMPLE if count > MOST_SAMPLE else np.ones(count, dtype=bool)
    present, sample = [], []

    def read() -> Iterable[NDArray]:
        done = 0
        for areas_NC in chunks:
            rows = slice(done, done + len(areas_NC))
            done += len(areas_NC)
            present.append((areas_NC > least_px).sum(axis=0))
            sample.append(areas_NC[sampled[rows]].astype(np.float64))
            groups.add(rows, areas_NC)
            yield areas_NC
        assert done == count, f"{done} rows of {count}"

    blocks = deal_chunks(read(), count, unit, order)
    return Sketch(np.sum(present, axis=0), groups.sums(), np.concatenate(sample), blocks)


class Groups:
    """Sums of areas over groups; rows of a group past the last are left out."""

    def __init__(self, group_of: NDArray[np.int64], num_groups: int) -> None:
        self._group_of, self._num_groups = group_of, num_groups
        self._sums_GC: Array | None = None

    def add(self, rows: slice, areas_NC: NDArray) -> None:
        """Add the areas of these rows."""
        if self._sums_GC is None:
            self._sums_GC = np.zeros((self._num_groups, areas_NC.shape[1]))
        group_N = self._group_of[rows]
        order = np.argsort(group_N, kind="stable")
        order = order[group_N[order] < self._num_groups]
        if len(order):
            found, starts = np.unique(group_N[order], return_index=True)
            self._sums_GC[found] += np.add.reduceat(areas_NC[order], starts, axis=0, dtype=np.float64)

    def sums(self) -> Array:
        """(G, C) all sums."""
        assert self._sums_GC is not None
        return self._sums_GC
