"""What images can come in, one module per kind; which kind a path is, its content says.

To add one: a subclass of `Container` in a module of its own, a line in KINDS, and a line in `_of_file`.
"""

import zipfile
from pathlib import Path

from lacuna.data.containers import lmdb_file, npy_file, parquet
from lacuna.data.containers.folder import Folder
from lacuna.data.containers.listing import SUFFIXES, Container, Listing, nothing_in, suffix
from lacuna.data.containers.lsun import Lsun
from lacuna.data.containers.npy_file import NpyFile
from lacuna.data.containers.npz_file import NpzFile
from lacuna.data.containers.parquet import Parquet
from lacuna.data.containers.stylegan_lmdb import StyleganLmdb, is_stylegan
from lacuna.data.containers.tar_file import TarArchive
from lacuna.data.containers.zip_file import ZipArchive
from lacuna.errors import UserError

KINDS: dict[str, type[Container]] = {
    each.kind: each for each in (Folder, ZipArchive, TarArchive, NpyFile, NpzFile, Parquet, Lsun, StyleganLmdb)
}
READ = "a folder of images, a zip, tar, npz, npy or parquet file, or an LMDB"
TAR_MARK, TAR_MARK_AT = b"ustar", 257
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}
DAMAGED = (".zip", ".npz", ".tar", ".npy", ".parquet", ".mdb", ".lmdb")


def surveyed(path: str | Path, stored_size: int | None = None) -> tuple[Container, Listing]:
    """The container at a path, and what it holds.

    Args:
        stored_size: side in pixels of the images to read, where each is there at several sizes.

    Raises:
        UserError: there is none, it cannot be read, or it holds no image.
    """
    kind = _kind(Path(path))
    found = container(kind, path, stored_size)
    listing = found.listing()
    if kind == Folder.kind and not listing.total and listing.seen.others[parquet.SUFFIX]:
        found = container(Parquet.kind, path, stored_size)
        listing = found.listing()
    if not listing.total:
        raise nothing_in(path, listing.seen)
    return found, listing


def container(kind: str, path: str | Path, stored_size: int | None = None) -> Container:
    """The reader of a kind.

    Raises:
        UserError: a size is said of a kind that holds images at one size.
    """
    if stored_size is not None and kind != StyleganLmdb.kind:
        raise UserError(f"{path}: holds each image once, expected no stored_size; leave it out")
    return KINDS[kind](Path(path), stored_size)


def is_lmdb(path: str | Path) -> bool:
    """Whether a path is an LMDB: its folder, or the one file."""
    return (Path(path) / lmdb_file.DATA).is_file() or (Path(path).is_file() and _is_lmdb_file(_start(Path(path))))


def _kind(path: Path) -> str:
    """Which kind a path is."""
    if not path.exists():
        raise UserError(f"{path}: no such folder or file, expected {READ}; correct the source's path")
    if is_lmdb(path):
        return StyleganLmdb.kind if is_stylegan(path) else Lsun.kind
    if path.is_dir():
        return Folder.kind
    start = _start(path)
    for mark, name in COMPRESSED.items():
        if start.startswith(mark):
            raise UserError(
                f"{path}: compressed by {name} as a whole, so that every job would read all of it; unpack it (tar xf), "
                "and give the folder"
            )
    found = _of_file(start, suffix(path.name))
    if found not in KINDS and zipfile.is_zipfile(path):  # behind a program that unpacks it
        return ZipArchive.kind
    if found not in KINDS:
        raise UserError(f"{path}: {found}, expected {READ}; make a folder of links to the images, and give that")
    return found


def _start(path: Path) -> bytes:
    """The first bytes of a file."""
    try:
        with path.open("rb") as file:
            return file.read(512)
    except PermissionError:
        raise UserError(f"{path}: this file may not be read; ask its owner, or correct the path") from None


def _of_file(start: bytes, end: str) -> str:
    """Kind of a file by its first bytes and its suffix; in words what it is, where none of KINDS."""
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return NpzFile.kind if end == ".npz" else ZipArchive.kind
    if start.startswith(npy_file.MARK):
        return NpyFile.kind
    if start.startswith(parquet.MARK):
        return Parquet.kind
    if start[TAR_MARK_AT:].startswith(TAR_MARK):
        return TarArchive.kind
    if end in DAMAGED:
        return f"no {end[1:]} file, or a damaged one"
    if end in SUFFIXES:
        return "one image"
    return {".csv": "a list", ".txt": "a list"}.get(end, f"a file of kind {end or 'none'}")


def _is_lmdb_file(start: bytes) -> bool:
    return start[lmdb_file.MARK_AT :].startswith(lmdb_file.MARK)
