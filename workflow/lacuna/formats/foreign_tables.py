"""Class-area tables from elsewhere, `.npy` files or datasets of HDF5 files: one row per image, one column per class."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lacuna.errors import UserError


@contextmanager
def opened(path: str | Path, dataset: str | None) -> Iterator[Any]:
    """The table as something that can be sliced; only what is sliced is read.

    Args:
        dataset: of an HDF5 file; its only two-dimensional one where None.

    Raises:
        UserError: no such file format or dataset, or no table of numbers.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such table, expected an .npy or HDF5 file; correct the source's path")
    if Path(path).suffix == ".npy":
        try:
            table = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UserError(f"{path}: not a readable .npy file ({error}), expected one array of numbers") from None
        yield _checked(table, path)
        return
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path}: not readable as HDF5 ({error}), expected .npy or HDF5") from None
    with file:
        yield _checked(file[_dataset(file, dataset, path)], path)


def _dataset(file: h5py.File, asked: str | None, path: str | Path) -> str:
    tables: list[str] = []
    file.visititems(lambda name, item: tables.append(name) if getattr(item, "ndim", 0) == 2 else None)
    if asked is None and len(tables) == 1:
        return tables[0]
    if asked not in tables:
        raise UserError(
            f"{path}: dataset {asked!r} asked for, found tables {', '.join(tables) or 'none'}; set the source's "
            "`dataset`"
        )
    return asked


def _checked(table: Any, path: str | Path) -> Any:
    if table.ndim != 2 or table.dtype.kind not in "uif":
        raise UserError(
            f"{path}: array of shape {tuple(table.shape)} and type {table.dtype}, expected numbers, one row per image"
        )
    return table
