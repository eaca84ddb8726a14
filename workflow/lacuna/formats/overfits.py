"""What `overfit` shows (format lacuna-overfit/1): samples beside their nearest training images, and walks in z.

`samples` uint8 (S, H, W, 3), `label` int64 (S,), `neighbours` uint8 (S, J, H, W, 3), `distance` float64 (S, J) mean
absolute difference of bytes; of generators that can be asked also `strips` uint8 (K, T, H, W, 3), a walk between two z
in each class, and `varied` uint8 (Z, K, H, W, 3), the same z in every class.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lacuna.formats import hdf5
from lacuna.runtime.provenance import Provenance

FORMAT = "lacuna-overfit/1"


def write(path: str | Path, arrays: Mapping[str, NDArray[Any]], provenance: Provenance) -> None:
    """Write one file."""
    hdf5.write(path, FORMAT, dict(arrays), provenance)


def read(path: str | Path) -> dict[str, NDArray[Any]]:
    """All arrays of one file."""
    with hdf5.opened(path, FORMAT) as file:
        return {name: file[name][:] for name in file}
