"""How an LMDB is opened: a folder with data.mdb, or one file; read-only, no lock taken, nothing written beside it."""

from pathlib import Path

import lmdb

from lacuna.data.containers.listing import Container, Entry, Labels, state
from lacuna.errors import UserError

DATA = "data.mdb"
MARK, MARK_AT = b"\xde\xc0\xef\xbe", 16  # of the first page, after its header, on little-endian machines


def data_file(path: Path) -> Path:
    """The file of an LMDB.

    Raises:
        UserError: there is none.
    """
    file = path if path.is_file() else path / DATA
    if not file.is_file():
        raise missing(path)
    return file


def missing(path: str | Path) -> UserError:
    """What to say of a path that is no LMDB."""
    return UserError(f"{path}: no {DATA} in it, expected the unpacked LMDB of LSUN; correct the source's path")


def opened(path: Path) -> lmdb.Environment:
    """The LMDB.

    Raises:
        UserError: there is none, or it is damaged.
    """
    file = data_file(path)
    try:
        return lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{path}: no readable LMDB ({error}); unpack {file.name} again") from None


class LmdbContainer(Container):
    """What all LMDBs of images have in common: values by key, one file."""

    def files(self) -> list[Entry]:
        """State of the one file."""
        return [state(data_file(self.path))]

    def labels(self) -> Labels | None:
        """None: values have keys only."""
        raise UserError(f"{self.path}: an LMDB holds no labels; export it to a folder with a subfolder for each class")


def value(environment: lmdb.Environment, key: str) -> bytes:
    """The value of a key.

    Raises:
        UserError: there is no such key.
    """
    with environment.begin() as transaction:
        found: bytes | None = transaction.get(key.encode())
    if found is None:
        raise UserError(f"no key {key} in the LMDB")
    return found
