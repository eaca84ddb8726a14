"""Files that are whole or absent: written beside their place under a name with host and process, then renamed."""

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lacuna.errors import UserError

# Why a file cannot be written, and what helps.
REFUSALS = {
    errno.ENOSPC: "no space left on the device; free some",
    errno.EDQUOT: "the quota is used up; free some space",
    errno.EFBIG: "larger than files may be here (ulimit -f, or the file system); raise the limit",
    errno.EROFS: "the file system is read-only; take another folder for the results",
    errno.EACCES: "not allowed; correct the owner or the rights of its folder",
}
FULL_BYTES = 1 << 16  # with less than this left, what a library calls a failed write is a full disk


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a partial name to write to; rename it to `path` at the end, remove it if anything goes wrong.

    Raises:
        UserError: the disk is full, or the file may not be written; nothing of it is left.
    """
    target = Path(path)
    partial = target.with_name(f"{target.name}.{socket.gethostname()}-{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(target)
    except Exception as error:
        refusal = REFUSALS.get(_number(error, target.parent) or 0)
        if refusal is None or isinstance(error, UserError):
            raise
        raise UserError(f"{target}: cannot be written, {refusal} and run the same command again") from error
    finally:
        with suppress(OSError):  # a read-only file system refuses this too
            partial.unlink(missing_ok=True)


def _number(error: Exception, folder: Path) -> int | None:
    """Number of the system's error; libraries that write by themselves, as torch does, do not hand it on."""
    if isinstance(error, OSError):
        return error.errno
    with suppress(OSError):
        return errno.ENOSPC if shutil.disk_usage(folder).free < FULL_BYTES else None
    return None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")
