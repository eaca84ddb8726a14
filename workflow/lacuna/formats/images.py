"""Image shards (`render`, `sample`), format lacuna-images/1.

`images` uint8 (n, H, W, 3); `index` int64 (n,); for samples `z` float32 (n, d), or of a pipeline `noise_seed` int64
(n,), the seed of the torch generator on the CPU that each image's noise is drawn from; `label` int64 (n,) where there
is one; `labels_object`, `labels_part`, `labels_material` uint16 (n, H, W) for the world; `group` uint64 (n,), a code of
each image's group, where the source has `groups`. Where files could not be read, `skipped_index`, `skipped_name`,
`skipped_reason` name them, and no row has their number.
Shape suffixes: N images, H height, W width.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.formats.areas import Skipped
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-images/1"
MOST_OPEN = 64  # files at a time
OPTIONAL = ("z", "noise_seed", "label", "group", "labels_object", "labels_part", "labels_material")


def write(
    path: str | Path,
    images_NHW3: NDArray[np.uint8],
    index_N: NDArray[np.int64],
    provenance: Provenance,
    attributes: Mapping[str, Any] | None = None,
    skipped: Sequence[Skipped] = (),
    **optional: NDArray[Any] | None,
) -> None:
    """Write one shard; `optional` holds any of OPTIONAL."""
    unknown = set(optional) - set(OPTIONAL)
    assert not unknown, f"no array of an image shard: {sorted(unknown)}"
    assert images_NHW3.dtype == np.uint8 and images_NHW3.ndim == 4 and images_NHW3.shape[3] == 3
    arrays: dict[str, Any] = {"images": images_NHW3, "index": np.asarray(index_N, dtype=np.int64)}
    arrays |= {name: array for name, array in optional.items() if array is not None}
    if skipped:
        arrays["skipped_index"] = np.array([row.index for row in skipped], dtype=np.int64)
        arrays |= {f"skipped_{part}": [getattr(row, part) for row in skipped] for part in ("name", "reason")}
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


class ImageShards:
    """Random access to the rows of several shards as if they were one; nothing is held in memory.

    At most MOST_OPEN files are open at a time, those that were read last: ImageNet has more shards than a process may
    open.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        if not paths:
            raise UserError("no image shards given, expected at least one")
        self._paths = list(paths)
        self._open: OrderedDict[int, tuple[ExitStack, h5py.File]] = OrderedDict()
        index, shapes, names = [], set(), []
        self.skipped: list[Skipped] = []  # files that could not be read
        for owner in range(len(self._paths)):
            file = self._file(owner)
            index.append(file["index"][:])
            shapes.add(file["images"].shape[1:])
            names.append(set(file))
            self.skipped += _skipped(file)
        self.attributes: dict[str, Any] = dict(self._file(0).attrs)
        self.index: NDArray[np.int64] = np.concatenate(index)
        self._names = set.intersection(*names)
        self._starts = np.cumsum([0] + [len(part) for part in index])
        if len(shapes) > 1:
            self.__exit__(None, None, None)
            raise UserError(f"{paths[0]} and others: images of {sorted(shapes)}, expected one size; render them again")

    def _file(self, owner: int) -> h5py.File:
        """The shard of this number, open; the one that was read longest ago is closed where too many are."""
        if owner in self._open:
            self._open.move_to_end(owner)
            return self._open[owner][1]
        if len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1][0].close()
        stack = ExitStack()
        file = stack.enter_context(hdf5.opened(self._paths[owner], FORMAT))
        self._open[owner] = stack, file
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1][0].close()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __contains__(self, name: str) -> bool:
        return name in self._names

    @property
    def size(self) -> int:
        """Height of the images in pixels."""
        return int(self._file(0)["images"].shape[1])

    def read(self, name: str, rows: NDArray[np.integer] | Sequence[int] | slice) -> NDArray[Any]:
        """Array `name` at `rows`, counted over all shards, in the order asked for."""
        if isinstance(rows, slice):
            rows = range(*rows.indices(len(self)))
        wanted = np.asarray(rows, dtype=np.int64)
        first = self._file(0)[name]
        found = np.empty((len(wanted), *first.shape[1:]), dtype=first.dtype)
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            local, dataset = wanted[places] - self._starts[owner], self._file(int(owner))[name]
            if np.array_equal(local, np.arange(local[0], local[0] + len(local))):
                found[places] = dataset[local[0] : local[0] + len(local)]
                continue
            for place, row in zip(places, local, strict=True):  # 4x faster than h5py's own choice of rows
                found[place] = dataset[row]
        return found


def _skipped(file: h5py.File) -> list[Skipped]:
    if "skipped_index" not in file:
        return []
    words = (hdf5.strings(file, f"skipped_{part}") for part in ("name", "reason"))
    return [Skipped(int(index), *row) for index, *row in zip(file["skipped_index"][:], *words, strict=True)]
