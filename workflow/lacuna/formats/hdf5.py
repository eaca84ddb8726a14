"""HDF5 files of Lacuna: a format attribute, provenance attributes, named arrays; never half written."""

import errno
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lacuna.errors import UserError
from lacuna.formats.files import atomic
from lacuna.runtime.provenance import Provenance

UNLOCKABLE = (errno.ENOLCK, errno.EAGAIN, errno.ENOSYS, errno.EOPNOTSUPP)
STRINGS = h5py.string_dtype()
ROW_CHUNK_BYTES = 1 << 16  # small arrays share a chunk; rows of large ones (images) get a chunk each


def write(
    path: str | Path,
    format: str,
    arrays: Mapping[str, Any],
    provenance: Provenance,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write `arrays` (numeric arrays, or lists of strings) with the common attributes.

    Raises:
        UserError: the disk is full or the folder cannot be written; nothing is left at `path`.
    """
    # Made in memory and written at once: a full disk is then one error of Python's, not one for every open HDF5 object.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=True) as file:
        for name, value in {"format": format, **provenance.attributes(), **(attributes or {})}.items():
            file.attrs[name] = value
        for name, array in arrays.items():
            _create(file, name, array)
    with atomic(path) as partial:
        partial.write_bytes(buffer.getbuffer())


@contextmanager
def opened(path: str | Path, format: str) -> Iterator[h5py.File]:
    """Open a file for reading and check that it is whole and of this format.

    Raises:
        UserError: truncated, no HDF5, or another format.
        FileNotFoundError: no such file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file, expected one of format {format}; run the stage that makes it")
    try:
        file = _open(path)
    except OSError as error:
        raise UserError(f"{path}: no readable HDF5 ({error}), expected {format}; delete it and run again") from None
    with file:
        found = file.attrs.get("format")
        if found != format:
            raise UserError(f"{path}: format {found!r}, expected {format!r}; delete it and run again")
        yield file


def _open(path: str | Path) -> h5py.File:
    """The file, for reading; without a lock where the file system has none to give (NFS without its lock daemon).

    Files are written beside their place and renamed, so none changes while it is read.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if error.errno not in UNLOCKABLE and "unable to lock file" not in str(error):
            raise
    return h5py.File(path, "r", locking=False)


def strings(file: h5py.File, name: str) -> list[str]:
    """A dataset of strings as a list."""
    return [str(text) for text in file[name].asstr()[:]]


def _create(file: h5py.File, name: str, value: Any) -> None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        file.create_dataset(name, data=np.array(value, dtype=object), dtype=STRINGS)
        return
    array = np.asarray(value)
    if array.ndim == 0 or array.size == 0:
        file.create_dataset(name, data=array)
        return
    row_bytes = max(array[0].nbytes, 1)
    rows = max(1, min(len(array), ROW_CHUNK_BYTES // row_bytes))
    file.create_dataset(name, data=array, chunks=(rows, *array.shape[1:]), compression="gzip", compression_opts=1)
