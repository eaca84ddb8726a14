"""A user's images: a folder, searched recursively, or a zip file. Image i is the i-th file of the sorted listing."""

import hashlib
import operator
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lacuna.kit.errors import UserError

SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm",
    ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".heic", ".heif", ".jxl",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Entry:
    """One file: its name below the folder, size in bytes, modification time in ns."""

    name: str
    size: int
    modified_ns: int


def listing(path: str | Path) -> list[Entry]:
    """The image files of a folder or zip file, sorted by name.

    Raises:
        UserError: no such folder or zip file, or no image in it.
    """
    root = Path(path)
    if root.is_dir():
        entries = list(_files(str(root)))
    elif zipfile.is_zipfile(root):
        modified = root.stat().st_mtime_ns
        with zipfile.ZipFile(root) as archive:
            members = [member for member in archive.infolist() if Path(member.filename).suffix.lower() in SUFFIXES]
        entries = [Entry(member.filename, member.file_size, modified) for member in members]
    else:
        raise UserError(f"{path}: no such folder or zip file, expected one with images; correct the source's path")
    if not entries:
        raise UserError(f"{path}: no images in it, expected {', '.join(SUFFIXES)}; correct the source's path")
    return sorted(entries, key=operator.attrgetter("name"))


def _files(folder: str, place: str = "") -> Iterator[Entry]:
    """Image files below `folder`, which is at `place` in the source; links to files count, links to folders do not."""
    with os.scandir(folder) as found:
        for item in found:
            if item.is_dir(follow_symlinks=False):
                yield from _files(item.path, f"{place}{item.name}/")
            elif item.name.lower().endswith(SUFFIXES) and item.is_file():
                state = item.stat()
                yield Entry(place + item.name, state.st_size, state.st_mtime_ns)


def listing_digest(entries: Sequence[Entry]) -> str:
    """What says that the files of a source have changed."""
    return hashlib.sha256(repr(list(entries)).encode()).hexdigest()[:16]


def reader(path: str | Path) -> Callable[[str], bytes]:
    """What gives the bytes of a file by its name in the listing."""
    root = Path(path)
    if root.is_dir():
        return lambda name: (root / name).read_bytes()
    archive = zipfile.ZipFile(root)
    return archive.read
