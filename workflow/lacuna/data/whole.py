"""All images of a job at once, at the size of the network that they are for.

Shape suffixes: N images, H height, W width.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna.data import ShardImages, open_images
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.data.subset import subset_seed
from lacuna.errors import UserError
from lacuna.formats.areas import Skipped

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Whole:
    """Numbers of images, what they are, what could not be read, and the digest of a user's listing by its path."""

    index_N: NDArray[np.int64]
    images_NHW3: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0, 3), np.uint8))
    skipped: Sequence[Skipped] = ()
    listing: Mapping[str, str] = field(default_factory=dict)


def read(
    paths: Sequence[str], first: int, last: int, source: Mapping[str, Any], size: int, plan: Plan, batch_size: int
) -> Whole:
    """Images `first` to `last` of a source: its HDF5 shards, or what a user has; a line on each that cannot be read.

    Args:
        source: how it is read.
        size: pixels per side; shards must have it, anything else is brought to it.
        plan: what the workflow saw of a user's source.

    Raises:
        UserError: shards of another size, or files that have changed since the plan.
    """
    preparation = Preparation.of({"source": source}, size)
    found = open_images(paths, first, last, preparation, subset_seed(source), plan, source.get("stored_size"))
    if isinstance(found, ShardImages) and found.size != size:
        raise UserError(f"{paths[0]}: images of {found.size} pixels, expected the generator's {size}; choose others")
    batches = list(found.batches(batch_size))
    for skipped in found.skipped:
        log.warning("skipped image %d, %s: %s", skipped.index, skipped.name, skipped.reason)
    none = np.empty(0, np.int64), np.empty((0, size, size, 3), np.uint8)
    index_N, images_NHW3 = (np.concatenate(parts) for parts in zip(*batches, strict=True)) if batches else none
    return Whole(index_N, images_NHW3, found.skipped, found.listing)
