"""What a comparison shows of its classes (`appearance`), format lacuna-appearance/1.

`classes`, `categories` (C,) strings; `real_place`, `generated_place` float32 (C, 16, 16), the share of each cell of a
grid over the image that each class covers on average; `real_crop_...` and `generated_crop_...`, pictures of random
regions of each class as in the regions of a shard.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.appearance.kept import KeptCrops
from lacuna.formats import hdf5
from lacuna.formats.regions import crop_arrays, read_crops
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-appearance/1"
SIDES = ("real", "generated")


@dataclass(frozen=True)
class Shown:
    """One side of a comparison, to be looked at."""

    place: NDArray[np.float32]
    crops: KeptCrops


@dataclass(frozen=True)
class Appearances:
    """Both sides."""

    classes: list[str]
    categories: list[str]
    real: Shown
    generated: Shown


def write(path: str | Path, found: Appearances, provenance: Provenance) -> None:
    """Write one comparison."""
    arrays: dict[str, NDArray | list[str]] = {"classes": found.classes, "categories": found.categories}
    for name in SIDES:
        side: Shown = getattr(found, name)
        arrays |= {f"{name}_place": side.place.astype(np.float32), **crop_arrays(f"{name}_crop", side.crops)}
    hdf5.write(path, FORMAT, arrays, provenance)


def read(path: str | Path) -> Appearances:
    """Read one comparison.

    Raises:
        UserError: not such a file, or truncated.
    """
    with hdf5.opened(path, FORMAT) as file:
        sides = {name: Shown(file[f"{name}_place"][:], read_crops(file, f"{name}_crop")) for name in SIDES}
        return Appearances(hdf5.strings(file, "classes"), hdf5.strings(file, "categories"), **sides)
