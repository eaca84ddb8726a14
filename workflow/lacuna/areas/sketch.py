"""What the statistics need of one source's table besides its moments: of fixed size, however many images there are.

Shape suffixes: N images of a chunk or of the source, C classes, G groups of images, S images of the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .clusters import Clusters, numbered
from .resampling import Blocks, blocks_for, deal_chunks

Array = NDArray[np.float64]
MOST_GROUPS = 10_000  # per side; a table of no more images is kept as it is
MOST_SAMPLE = 10_000  # images whose areas are kept, for what looks at single images


@dataclass(frozen=True)
class Sketch:
    """One source, in pixels: present_C images that show each class; areas summed over groups of images, random ones of
    equally many (a group is one image where there are few), or those that the source says belong together; areas of a
    random sample of independent images; moments of random blocks, None where there are too few images for any.

    clusters: the groups that the source says belong together; None where all images are independent.
    """  # fmt: skip

    present_C: NDArray[np.int64]
    groups_GC: Array
    size_G: Array
    sample_SC: Array
    blocks: Blocks | None
    clusters: Clusters | None = None

    def columns(self, chosen: NDArray) -> Sketch:
        """The same for some of the classes."""
        return Sketch(
            self.present_C[chosen], self.groups_GC[:, chosen], self.size_G, self.sample_SC[:, chosen],
            self.blocks.columns(chosen) if self.blocks else None,
            self.clusters.columns(chosen) if self.clusters else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Deal:
    """Where each image of a source goes: its group, its block, and whether it is in the sample.

    Images of a group past the last are left out of the groups.
    """

    group_N: NDArray[np.int64]
    num_groups: int
    block_N: NDArray[np.int64]
    num_blocks: int
    sampled_N: NDArray[np.bool_]


def group_size(*counts: int) -> int:
    """Images per group, equal for both sides: 1 as long as no side has more than MOST_GROUPS images."""
    return max(1, -(-max(counts) // MOST_GROUPS))


def dealt_images(count: int, size: int, rng: np.random.Generator) -> Deal:
    """Independent images at random: groups of `size` images, images that fill no group being left out of them."""
    order_N = rng.permutation(count)
    sampled_N = order_N < MOST_SAMPLE if count > MOST_SAMPLE else np.ones(count, dtype=bool)
    num_blocks = blocks_for(count)
    group_N = order_N // size if size > 1 else np.arange(count)
    return Deal(group_N, count // size, order_N % max(num_blocks, 1), num_blocks, sampled_N)


def dealt_groups(code_N: NDArray, rng: np.random.Generator) -> Deal:
    """Whole groups at random, several together where there are many; the sample has one image of each.

    Args:
        code_N: code of each image's group.
    """
    place_N = numbered(code_N)
    count = int(place_N.max()) + 1
    order_G, size, num_blocks = rng.permutation(count), group_size(count), blocks_for(count)
    group_N = order_G[place_N] // size if size > 1 else place_N
    shuffled_N = rng.permutation(len(place_N))
    one_G = shuffled_N[np.unique(place_N[shuffled_N], return_index=True)[1]]
    sampled_N = np.zeros(len(place_N), dtype=bool)
    sampled_N[one_G[order_G < MOST_SAMPLE]] = True
    return Deal(group_N, -(-count // size), order_G[place_N] % max(num_blocks, 1), num_blocks, sampled_N)


def sketch(
    chunks: Iterable[NDArray], count: int, least_px: float, unit: float, size: int, rng: np.random.Generator,
    code_N: NDArray | None = None,
) -> Sketch:  # fmt: skip
    """Read the chunks once; memory holds one chunk and the sketch.

    Args:
        chunks: areas (N, C) in pixels, `count` rows in all.
        least_px: a class is present in an image where it covers more than this.
        unit: what a pixel is in the blocks' moments.
        size: images per group, where all are independent.
        code_N: code of the group that each image belongs to; None where all are independent.
    """
    deal = dealt_images(count, size, rng) if code_N is None else dealt_groups(code_N, rng)
    areas, shown = (Groups(deal.group_N, deal.num_groups) for _ in range(2))
    present, sample = [], []

    def read() -> Iterator[NDArray]:
        done = 0
        for areas_NC in chunks:
            rows = slice(done, done + len(areas_NC))
            done += len(areas_NC)
            shown_NC = areas_NC > least_px
            present.append(shown_NC.sum(axis=0))
            sample.append(areas_NC[deal.sampled_N[rows]].astype(np.float64))
            areas.add(rows, areas_NC)
            if code_N is not None:
                shown.add(rows, shown_NC)
            yield areas_NC
        assert done == count, f"{done} rows of {count}"

    blocks = deal_chunks(read(), unit, deal.block_N, deal.num_blocks)
    size_G = np.bincount(deal.group_N, minlength=deal.num_groups)[: deal.num_groups].astype(np.float64)
    clusters = None if code_N is None else Clusters(areas.sums(), shown.sums(), size_G)
    return Sketch(np.sum(present, axis=0), areas.sums(), size_G, np.concatenate(sample), blocks, clusters)


class Groups:
    """Sums over groups; rows of a group past the last are left out."""

    def __init__(self, group_of: NDArray[np.int64], num_groups: int) -> None:
        self._group_of, self._num_groups = group_of, num_groups
        self._sums_GC: Array | None = None

    def add(self, rows: slice, values_NC: NDArray) -> None:
        """Add what these rows hold."""
        if self._sums_GC is None:
            self._sums_GC = np.zeros((self._num_groups, values_NC.shape[1]))
        group_N = self._group_of[rows]
        order = np.argsort(group_N, kind="stable")
        order = order[group_N[order] < self._num_groups]
        if len(order):
            found, starts = np.unique(group_N[order], return_index=True)
            self._sums_GC[found] += np.add.reduceat(values_NC[order], starts, axis=0, dtype=np.float64)

    def sums(self) -> Array:
        """(G, C) all sums."""
        assert self._sums_GC is not None
        return self._sums_GC
