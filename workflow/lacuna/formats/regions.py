"""Regions of one shard (`segment`), format lacuna-regions/1.

Beside the table of the same shard, `SHARD.regions.h5`. Of every image: `index` int64 (n,), and `num_regions` uint16
(n, C), connected regions of each class; `group` uint64 (n,) where the source has groups. Of all images together:
`place_px` int64 (C, 16, 16), pixels of each class in each cell of a grid. `classes`, `categories` (C,) strings, as in
the table; attribute `image_px`. Of at most so many regions of each class, one an image at most, chosen by seed:
`region_column` int64 (r,) position in `classes`, `region_image` int64 (r,), `region_priority` uint64 (r,), lowest first
within a class, `region_area_px` int64 (r,), `feature` float16 (r, D); attribute `blocks`, how the D features divide:
mean of each of the segmenter's maps under the region, then mean and deviation of its own red, green and blue. Of fewer
regions a picture: `crop_column`, `crop_image`, `crop_priority` as above, `crop_picture` and `crop_mask` uint8 (bytes,),
JPEG and PNG of all of them one after the other, `crop_picture_end` and `crop_mask_end` int64, where each ends.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from lacuna.appearance.crops import Crop
from lacuna.appearance.kept import KeptCrops, KeptRegions, RegionTable
from lacuna.config.shards import shards
from lacuna.errors import UserError
from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-regions/1"


def write(path: str | Path, table: RegionTable, provenance: Provenance) -> None:
    """Write one shard."""
    kept, crops = table.kept, table.crops
    arrays = {
        "index": table.index, "num_regions": table.num_regions, "place_px": table.place_px, "classes": table.classes,
        "categories": table.categories, "region_column": kept.column, "region_image": kept.image,
        "region_priority": kept.priority, "region_area_px": kept.area_px, "feature": kept.feature,
        **crop_arrays("crop", crops),
    }  # fmt: skip
    if table.group is not None:
        arrays["group"] = table.group
    attributes = {"image_px": table.image_px, "blocks": np.array(table.blocks, dtype=np.int64)}
    hdf5.write(path, FORMAT, arrays, provenance, attributes)


def read(path: str | Path) -> RegionTable:
    """Read one shard.

    Raises:
        UserError: not such a file, truncated, or its parts do not fit each other.
    """
    with hdf5.opened(path, FORMAT) as file:
        table = RegionTable(
            index=file["index"][:],
            num_regions=file["num_regions"][:],
            place_px=file["place_px"][:],
            classes=hdf5.strings(file, "classes"),
            categories=hdf5.strings(file, "categories"),
            image_px=int(file.attrs["image_px"]),
            blocks=tuple(map(int, file.attrs["blocks"])),
            kept=KeptRegions(
                column=file["region_column"][:],
                image=file["region_image"][:],
                priority=file["region_priority"][:],
                area_px=file["region_area_px"][:],
                feature=file["feature"][:],
            ),
            crops=read_crops(file, "crop"),
            group=file["group"][:] if "group" in file else None,
        )
    expected = (len(table.index), len(table.classes)), (len(table.kept.column), sum(table.blocks))
    if (table.num_regions.shape, table.kept.feature.shape) != expected:
        raise UserError(f"{path}: numbers and features do not fit images and classes; delete it and run segment again")
    return table


def read_shards(folder: str | Path, count: int, shard_size: int) -> Iterator[RegionTable]:
    """The regions of one source, a shard at a time; all must have the same classes and features."""
    first: RegionTable | None = None
    for shard in shards(count, shard_size):
        path = Path(folder) / f"{shard.name}.regions.h5"
        table = read(path)
        if not len(table.index):  # none of its images could be read
            continue
        first = first or table
        if (table.classes, table.image_px, table.blocks) != (first.classes, first.image_px, first.blocks):
            raise UserError(f"{path}: other classes, image size or features than the shard before it; segment again")
        yield table


def crop_arrays(prefix: str, kept: KeptCrops) -> dict[str, NDArray]:
    """Pictures as arrays of a file."""
    arrays: dict[str, NDArray] = {f"{prefix}_{name}": getattr(kept, name) for name in ("column", "image", "priority")}
    for name in ("picture", "mask"):
        data = [getattr(one, name) for one in kept.crops]
        arrays[f"{prefix}_{name}"] = np.frombuffer(b"".join(data), dtype=np.uint8)
        arrays[f"{prefix}_{name}_end"] = np.cumsum([len(one) for one in data], dtype=np.int64)
    return arrays


def read_crops(file: h5py.File, prefix: str) -> KeptCrops:
    """Pictures out of the arrays of a file."""
    pictures, masks = (
        _parts(file[f"{prefix}_{name}"][:], file[f"{prefix}_{name}_end"][:]) for name in ("picture", "mask")
    )
    return KeptCrops(
        column=file[f"{prefix}_column"][:],
        image=file[f"{prefix}_image"][:],
        priority=file[f"{prefix}_priority"][:],
        crops=[Crop(*pair) for pair in zip(pictures, masks, strict=True)],
    )


def _parts(data: NDArray[np.uint8], ends: Sequence[int] | NDArray[np.int64]) -> list[bytes]:
    starts = [0, *ends[:-1]] if len(ends) else []
    return [data[start:end].tobytes() for start, end in zip(starts, ends, strict=True)]
