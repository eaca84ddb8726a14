"""Class areas of scenes with one object left out (`plant`), format lacuna-planted/1.

`index` int64 (n,) the scene; `omitted` int64 (n,) the object that is left out, a position in `classes`, 0 = nothing is;
`exact_px` and `segmented_px` uint32 (n, C) pixel counts by the world's own labels and by the segmenter; `classes` (C,)
strings; attribute `image_px`. A scene has a row with everything, and one for every object that shows in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-planted/1"
ARRAYS = ("index", "omitted", "exact_px", "segmented_px")


@dataclass(frozen=True)
class PlantedAreas:
    """Pixels that each class covers, one row per scene and left-out object."""

    index: NDArray[np.int64]
    omitted: NDArray[np.int64]
    exact_px: NDArray[np.uint32]
    segmented_px: NDArray[np.uint32]
    classes: list[str]
    image_px: int


def write(path: str | Path, table: PlantedAreas, provenance: Provenance) -> None:
    """Write one shard."""
    arrays = {name: getattr(table, name) for name in ARRAYS} | {"classes": table.classes}
    hdf5.write(path, FORMAT, arrays, provenance, {"image_px": table.image_px})


def read(path: str | Path) -> PlantedAreas:
    """Read one shard.

    Raises:
        UserError: not such a table, truncated, or its parts do not fit each other.
    """
    with hdf5.opened(path, FORMAT) as file:
        arrays = {name: file[name][:] for name in ARRAYS}
        table = PlantedAreas(**arrays, classes=hdf5.strings(file, "classes"), image_px=int(file.attrs["image_px"]))
    shape = (len(table.index), len(table.classes))
    if table.exact_px.shape != shape or table.segmented_px.shape != shape or len(table.omitted) != shape[0]:
        raise UserError(
            f"{path}: areas {table.exact_px.shape} and {table.segmented_px.shape} for {shape[0]} rows and {shape[1]} "
            "classes; delete it and run plant again"
        )
    return table


def read_shards(folder: str | Path, count: int, shard_size: int) -> Iterator[PlantedAreas]:
    """The shards of `count` scenes; all must have the same classes and image size."""
    first: PlantedAreas | None = None
    for path in shard_paths(folder, count, shard_size):
        table = read(path)
        first = first or table
        if (table.classes, table.image_px) != (first.classes, first.image_px):
            raise UserError(f"{path}: other classes or image size than the shard before it; run plant again")
        yield table
