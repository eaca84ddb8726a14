"""An LSUN category as it is shipped: a folder with an LMDB whose values are WebP (or JPEG) files.

Image i is the i-th key in the LMDB's own order, which is that of the file names where LSUN is exported to a folder.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import lmdb

from lacuna.data.folder import Entry
from lacuna.errors import UserError

DATA = "data.mdb"


def is_lsun(path: str | Path) -> bool:
    """Whether a path is the folder of an LMDB."""
    return (Path(path) / DATA).is_file()


def opened(path: str | Path) -> lmdb.Environment:
    """The LMDB, read-only: nothing is written beside it, no lock is taken.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if not is_lsun(path):
        raise UserError(f"{path}: no {DATA} in it, expected the unpacked LMDB of LSUN; correct the source's path")
    try:
        return lmdb.open(str(path), readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{path}: no readable LMDB ({error}); unpack {DATA} again") from None


def state(path: str | Path) -> Entry:
    """What says that the LMDB has changed: size and time of its file.

    Raises:
        UserError: there is none.
    """
    if not is_lsun(path):
        raise UserError(f"{path}: no {DATA} in it, expected the unpacked LMDB of LSUN; correct the source's path")
    found = (Path(path) / DATA).stat()
    return Entry(DATA, found.st_size, found.st_mtime_ns)


def count(path: str | Path) -> int:
    """Number of images."""
    with opened(path) as environment:
        return int(environment.stat()["entries"])


def keys_at(path: str | Path, numbers: Sequence[int]) -> list[str]:
    """Keys of the images `numbers`, in that order.

    An LMDB has no index by position, so all keys before are passed over; only those asked for are held in memory.
    """
    found: dict[int, str] = {}
    with opened(path) as environment, environment.begin() as transaction, transaction.cursor() as cursor:
        keys = cursor.iternext(keys=True, values=False)
        passed = 0
        for number in sorted(numbers):
            found[number] = next(islice(keys, number - passed, None)).decode("ascii", "backslashreplace")
            passed = number + 1
    return [found[number] for number in numbers]


def reader(path: str | Path) -> Callable[[str], bytes]:
    """What gives the bytes of an image by its key."""
    environment = opened(path)

    def read(key: str) -> bytes:
        with environment.begin() as transaction:
            value: bytes | None = transaction.get(key.encode())
        if value is None:
            raise UserError(f"no key {key} in the LMDB")
        return value

    return read
