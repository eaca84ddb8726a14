"""Class-area tables (`segment`), format lacuna-areas/1.

`area_px` uint32 (n, C) pixel counts; `index` int64 (n,); `classes`, `categories` (C,) strings; attribute `image_px`,
the number of pixels of an image; attribute `resize`, how images became that large; attribute `resolutions`, the lowest
and highest shorter side that they had before, in pixels (none where no image could be read); `skipped_index`,
`skipped_name`, `skipped_reason` name every image that could not be read. Within `object` and within `material` a row
sums to `image_px`. Where images were looked at: `content` uint64 (n,), a hash of each one's pixels; attributes
`num_one_color`, images all of whose pixels are equal, and `num_multi_frame`, files with more frames than the one read.
Where the source has `groups`: `group` uint64 (n,), a code of each image's group, which all shards share.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-areas/1"
UNKNOWN = "unknown"  # how images came to their size, where the table does not say it


@dataclass(frozen=True)
class Skipped:
    """An image that is no row of the table, and why."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True)
class ClassAreas:
    """Pixels that each class covers, one row per image."""

    area_px: NDArray[np.uint32]
    index: NDArray[np.int64]
    classes: list[str]
    categories: list[str]
    image_px: int
    skipped: list[Skipped] = field(default_factory=list)
    resolutions: tuple[int, int] | None = None
    resize: str = UNKNOWN
    content: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    num_one_color: int = 0
    num_multi_frame: int = 0
    group: NDArray[np.uint64] | None = None

    @property
    def percent(self) -> NDArray[np.float64]:
        """(n, C) areas in percent of the image."""
        return self.area_px.astype(np.float64) * (100.0 / self.image_px)


def write(path: str | Path, table: ClassAreas, provenance: Provenance) -> None:
    """Write one table."""
    arrays = {
        "area_px": table.area_px.astype(np.uint32, copy=False),
        "index": table.index.astype(np.int64, copy=False),
        "classes": table.classes,
        "categories": table.categories,
        "skipped_index": np.array([row.index for row in table.skipped], dtype=np.int64),
        "skipped_name": [row.name for row in table.skipped],
        "skipped_reason": [row.reason for row in table.skipped],
        "content": table.content.astype(np.uint64, copy=False),
    }
    if table.group is not None:
        arrays["group"] = table.group.astype(np.uint64, copy=False)
    attributes = {
        "image_px": table.image_px,
        "resize": table.resize,
        "num_one_color": table.num_one_color,
        "num_multi_frame": table.num_multi_frame,
    }
    if table.resolutions:
        attributes["resolutions"] = np.array(table.resolutions, dtype=np.int64)
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


def read(path: str | Path) -> ClassAreas:
    """Read one table.

    Raises:
        UserError: not such a table, truncated, or its parts do not fit each other.
    """
    with hdf5.opened(path, FORMAT) as file:
        skipped = zip(
            file["skipped_index"][:], hdf5.strings(file, "skipped_name"), hdf5.strings(file, "skipped_reason"),
            strict=True,
        )  # fmt: skip
        table = ClassAreas(
            area_px=file["area_px"][:],
            index=file["index"][:],
            classes=hdf5.strings(file, "classes"),
            categories=hdf5.strings(file, "categories"),
            image_px=int(file.attrs["image_px"]),
            skipped=[Skipped(int(index), name, reason) for index, name, reason in skipped],
            resolutions=_pair(file.attrs.get("resolutions")),
            resize=str(file.attrs.get("resize", UNKNOWN)),
            content=file["content"][:] if "content" in file else np.empty(0, np.uint64),
            num_one_color=int(file.attrs.get("num_one_color", 0)),
            num_multi_frame=int(file.attrs.get("num_multi_frame", 0)),
            group=file["group"][:] if "group" in file else None,
        )
    if table.area_px.shape != (len(table.index), len(table.classes)):
        raise UserError(
            f"{path}: areas {table.area_px.shape} for {len(table.index)} images and {len(table.classes)} classes; "
            "delete it and run segment again"
        )
    return table


def read_shards(folder: str | Path, count: int, shard_size: int) -> Iterator[ClassAreas]:
    """The tables of one source, a shard at a time; all must have the same classes and image size."""
    first: ClassAreas | None = None
    for path in shard_paths(folder, count, shard_size):
        table = read(path)
        first = first or table
        if (table.classes, table.categories, table.image_px) != (first.classes, first.categories, first.image_px):
            raise UserError(f"{path}: other classes or image size than the shard before it; run segment again")
        yield table


def chunks(tables: Iterable[ClassAreas], chosen: NDArray[np.int64], num_rows: int) -> Iterator[NDArray[np.uint32]]:
    """Areas of the chosen classes, tables put together to at least `num_rows` rows at a time but the last."""
    held: list[NDArray[np.uint32]] = []
    for table in tables:
        held.append(table.area_px[:, chosen])
        if sum(len(rows) for rows in held) >= num_rows:
            yield np.concatenate(held)
            held.clear()
    if held:
        yield np.concatenate(held)


def groups(paths: Sequence[str | Path]) -> NDArray[np.uint64] | None:
    """Code of the group of each image of some tables, (n,); None where their source has no groups."""
    found = []
    for path in paths:
        with hdf5.opened(path, FORMAT) as file:
            if "group" not in file:
                return None
            found.append(file["group"][:])
    return np.concatenate(found)


def resolutions(paths: Iterable[str | Path]) -> tuple[int, int] | None:
    """Lowest and highest resolution of the images of some tables; None where none could be read."""
    found = []
    for path in paths:
        with hdf5.opened(path, FORMAT) as file:
            found.append(_pair(file.attrs.get("resolutions")))
    known = [pair for pair in found if pair]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _pair(value: NDArray[np.int64] | None) -> tuple[int, int] | None:
    return None if value is None else (int(value[0]), int(value[1]))
