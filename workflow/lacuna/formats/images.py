"""Image shards (`render`, `sample`), format lacuna-images/1.

`images` uint8 (n, H, W, 3); `index` int64 (n,); `z` float32 (n, d) for samples; `label` int64 (n,) where there is
one; `labels_object`, `labels_part`, `labels_material` uint16 (n, H, W) for the world.
Shape suffixes: N images, H height, W width.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from lacuna.formats import hdf5
from lacuna.kit.errors import UserError
from lacuna.kit.provenance import Provenance

FORMAT = "lacuna-images/1"
OPTIONAL = ("z", "label", "labels_object", "labels_part", "labels_material")


def write(
    path: str | Path,
    images_NHW3: NDArray[np.uint8],
    index_N: NDArray[np.int64],
    provenance: Provenance,
    attributes: Mapping[str, Any] | None = None,
    **optional: NDArray[Any] | None,
) -> None:
    """Write one shard; `optional` holds any of `z`, `label`, `labels_object`, `labels_part`, `labels_material`."""
    unknown = set(optional) - set(OPTIONAL)
    assert not unknown, f"no array of an image shard: {sorted(unknown)}"
    assert images_NHW3.dtype == np.uint8 and images_NHW3.ndim == 4 and images_NHW3.shape[3] == 3
    arrays = {"images": images_NHW3, "index": np.asarray(index_N, dtype=np.int64)}
    arrays |= {name: array for name, array in optional.items() if array is not None}
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


class ImageShards:
    """Random access to the rows of several shards as if they were one; nothing is held in memory."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        if not paths:
            raise UserError("no image shards given, expected at least one")
        self._contexts = [hdf5.opened(path, FORMAT) for path in paths]
        self._files: list[h5py.File] = [context.__enter__() for context in self._contexts]
        self._starts = np.cumsum([0] + [len(file["index"]) for file in self._files])
        self.attributes: dict[str, Any] = dict(self._files[0].attrs)
        self.index: NDArray[np.int64] = np.concatenate([file["index"][:] for file in self._files])
        shapes = {file["images"].shape[1:] for file in self._files}
        if len(shapes) > 1:
            raise UserError(f"{paths[0]} and others: images of {sorted(shapes)}, expected one size; render them again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for context in self._contexts:
            context.__exit__(None, None, None)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __contains__(self, name: str) -> bool:
        return all(name in file for file in self._files)

    @property
    def size(self) -> int:
        """Height of the images in pixels."""
        return int(self._files[0]["images"].shape[1])

    def read(self, name: str, rows: NDArray[np.integer] | Sequence[int] | slice) -> NDArray[Any]:
        """Array `name` at `rows`, counted over all shards, in the order asked for."""
        if isinstance(rows, slice):
            rows = range(*rows.indices(len(self)))
        wanted = np.asarray(rows, dtype=np.int64)
        first = self._files[0][name]
        found = np.empty((len(wanted), *first.shape[1:]), dtype=first.dtype)
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            local, dataset = wanted[places] - self._starts[owner], self._files[owner][name]
            if np.array_equal(local, np.arange(local[0], local[0] + len(local))):
                found[places] = dataset[local[0] : local[0] + len(local)]
                continue
            for place, row in zip(places, local, strict=True):  # 4x faster than h5py's own choice of rows
                found[place] = dataset[row]
        return found
