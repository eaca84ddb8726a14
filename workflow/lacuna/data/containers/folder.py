"""A folder of image files, searched at any depth. Image i is the i-th file by name."""

import operator
import os
from collections.abc import Callable, Iterator, Sequence

from lacuna.data.containers.listing import (
    HIDDEN_FOLDERS,
    SUFFIXES,
    Census,
    Container,
    Data,
    Entry,
    Listing,
    suffix,
)
from lacuna.errors import UserError


class Folder(Container):
    """A folder; links to folders are followed, each folder once."""

    kind = "folder"

    def listing(self) -> Listing:
        """The image files below the folder, sorted by name."""
        seen = Census()
        try:
            entries = sorted(_files(str(self.path), seen), key=operator.attrgetter("name"))
        except PermissionError:
            raise UserError(f"{self.path}: this folder may not be read; ask its owner, or correct the path") from None
        seen.images = len(entries)
        return Listing(len(entries), entries, seen)

    def files(self) -> list[Entry]:
        """None that is not an image."""
        return []

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What reads a file by its name."""
        return lambda name: (self.path / name).read_bytes()

    def is_unchanged(self, wanted: Sequence[Entry], files: Sequence[Entry]) -> bool:
        """Whether each of these files is there with its size; of others nothing is asked."""
        try:
            return all(os.stat(self.path / entry.name).st_size == entry.size for entry in wanted)  # noqa: PTH116
        except OSError:
            return False


def _files(root: str, seen: Census) -> Iterator[Entry]:
    """Image files below `root`: of its own folders first, then of folders that are only linked, each folder once."""
    visited: set[tuple[int, int]] = set()
    waiting = [(root, "")]  # folder, and its place in the source
    while waiting:
        linked: list[tuple[str, str]] = []
        for folder, place in waiting:
            seen.links += bool(place) and _new(folder, visited)
            yield from _walk(folder, place, seen, visited, linked)
        waiting = sorted(linked)


def _new(folder: str, visited: set[tuple[int, int]]) -> bool:
    state = os.stat(folder)  # noqa: PTH116 - a str is enough, and a million folders make a Path each
    return (state.st_dev, state.st_ino) not in visited


def _walk(
    folder: str, place: str, seen: Census, visited: set[tuple[int, int]], linked: list[tuple[str, str]]
) -> Iterator[Entry]:
    """Image files below one folder; folders that it links to are added to `linked`."""
    if not _new(folder, visited):
        return
    state = os.stat(folder)  # noqa: PTH116
    visited.add((state.st_dev, state.st_ino))
    with os.scandir(folder) as found:
        for item in found:
            if item.is_dir():
                if item.name in HIDDEN_FOLDERS or item.name.startswith("."):
                    seen.hidden += 1
                elif item.is_symlink():
                    linked.append((item.path, f"{place}{item.name}/"))
                else:
                    try:
                        yield from _walk(item.path, f"{place}{item.name}/", seen, visited, linked)
                    except PermissionError:
                        seen.closed += 1
            elif not item.is_file():
                seen.dangling += item.is_symlink() and suffix(item.name) in SUFFIXES
            elif seen.counts(item.name):
                file = item.stat()
                yield Entry(place + item.name, file.st_size, file.st_mtime_ns)
