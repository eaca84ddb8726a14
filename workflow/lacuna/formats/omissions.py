"""Label maps of inverted images (`omissions`), format lacuna-omissions/1.

`labels_photo`, `labels_reconstruction` uint16 (n, H, W), positions in `classes`; `lost` bool (n, H, W), where an object
of the photo is something else in the reconstruction; `index` int64 (n,); `converged` bool (n,); `classes` strings.
Beside it:

- `SOURCE.tsv`, one row per image and class, columns `COLUMNS`, areas in percent of the image;
- `SOURCE.classes.tsv`, one row per class, columns `CLASS_COLUMNS`, the one that lost most above the noise floor first;
- `SOURCE/NNN_class.png`, one picture per class, numbered in that order: photo, reconstruction, label maps, region lost.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-omissions/1"
COLUMNS = ("index", "class", "photo_area", "reconstruction_area", "lost_area", "converged", "noise_floor")
CLASS_COLUMNS = (
    "class", "num_images", "num_unconverged", "num_lost", "photo_area", "reconstruction_area", "lost_area",
    "num_control", "num_control_lost", "noise_floor", "excess", "low", "high",
)  # fmt: skip


@dataclass(frozen=True)
class OmissionMaps:
    """Label maps of photos and reconstructions; see the module for shapes."""

    labels_photo: NDArray[np.uint16]
    labels_reconstruction: NDArray[np.uint16]
    lost: NDArray[np.bool_]
    index: NDArray[np.int64]
    converged: NDArray[np.bool_]
    classes: list[str]


def write(path: str | Path, maps: OmissionMaps, provenance: Provenance) -> None:
    """Write the maps of one inverted source."""
    hdf5.write(path, FORMAT, vars(maps), provenance)


def read(path: str | Path) -> OmissionMaps:
    """Read the maps of one inverted source.

    Raises:
        UserError: not such a file, or truncated.
    """
    with hdf5.opened(path, FORMAT) as file:
        names = ("labels_photo", "labels_reconstruction", "lost", "index", "converged")
        arrays = {name: file[name][:] for name in names}
        return OmissionMaps(**arrays, classes=hdf5.strings(file, "classes"))
