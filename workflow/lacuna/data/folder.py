"""A user's images: a folder, searched at any depth, or a zip file. Image i is the i-th file of the sorted listing."""

import hashlib
import operator
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lacuna.errors import UserError

SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm",
    ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".heic", ".heif", ".jxl",
)  # fmt: skip
# What no source means to hold: twins that Macs add, thumbnails, checkpoints of notebooks, indices of storage boxes.
HIDDEN = ("Thumbs.db", "desktop.ini")
HIDDEN_FOLDERS = ("__MACOSX", "@eaDir")
IMAGE_LIKE = (".svg", ".psd", ".tga", ".dds", ".ico", ".pcx", ".exr", ".hdr", ".cr2", ".nef", ".arw", ".dng", ".raw")
ADVICE = "make a folder of links to the images, or unpack them, and give that"


@dataclass(frozen=True, order=True)
class Entry:
    """One file: its name below the folder, size in bytes, modification time in ns."""

    name: str
    size: int
    modified_ns: int


@dataclass
class Census:
    """What was looked at on the way to a listing.

    Attributes:
        images: files that are listed.
        others: files of other kinds, by suffix; those of IMAGE_LIKE are images that no one here reads.
        hidden: droppings of desktops and tools, which are no one's images: see HIDDEN.
        links: links to folders that were followed.
        dangling: links to nothing, as of data that has not been fetched yet.
        closed: folders that may not be looked into.
        repeated: names that an archive holds twice.
    """

    images: int = 0
    others: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    links: int = 0
    dangling: int = 0
    closed: int = 0
    repeated: int = 0

    @property
    def lost(self) -> int:
        """What may be images and is not listed."""
        return self.dangling + self.closed + sum(self.others[suffix] for suffix in IMAGE_LIKE)

    def line(self, name: str) -> str:
        """One line for the terminal; empty where there is nothing to tell."""
        others = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(self.others.items()))
        parts = [
            f"links to nothing: {self.dangling}" if self.dangling else "",
            f"folders that may not be read: {self.closed}" if self.closed else "",
            f"names that stand twice: {self.repeated}" if self.repeated else "",
            f"other files: {others}" if others else "",
            f"hidden files: {self.hidden}" if self.hidden else "",
            f"linked folders followed: {self.links}" if self.links else "",
        ]
        told = "; ".join(part for part in parts if part)
        return f"{name}: {self.images} images; {told}" if told else ""

    @property
    def worth_a_warning(self) -> bool:
        """Whether over 1 % of what may be images is not listed."""
        return self.repeated > 0 or self.lost > 0.01 * (self.images + self.lost)


def listing(path: str | Path) -> list[Entry]:
    """The image files of a folder or zip file, sorted by name; see `survey`."""
    return survey(path)[0]


def survey(path: str | Path) -> tuple[list[Entry], Census]:
    """The image files of a folder or zip file, sorted by name, and what else was seen.

    Links to folders are followed, each folder once.

    Raises:
        UserError: no such folder or zip file, or no image in it.
    """
    root, seen = Path(path), Census()
    if root.is_dir():
        try:
            entries = list(_files(str(root), seen))
        except PermissionError:
            raise UserError(f"{path}: this folder may not be read; ask its owner, or correct the path") from None
    elif not root.exists():
        raise UserError(f"{path}: no such folder or zip file, expected one with images; correct the source's path")
    elif not zipfile.is_zipfile(root):
        raise UserError(f"{path}: {_what(root)}, expected a folder of images or a zip file; {ADVICE}")
    else:
        modified = root.stat().st_mtime_ns
        with _archive(root) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
        chosen = {member.filename: member for member in members if _counts(member.filename, seen)}
        seen.repeated = sum(_kind(member.filename) in SUFFIXES for member in members) - len(chosen)
        seen.repeated -= sum(_is_hidden(member.filename) and _kind(member.filename) in SUFFIXES for member in members)
        entries = [Entry(name, member.file_size, modified) for name, member in chosen.items()]
    seen.images = len(entries)
    if not entries:
        told = seen.line("found").partition("; ")[2] or "nothing"
        raise UserError(f"{path}: no images in it ({told}), expected {', '.join(SUFFIXES)}; correct the source's path")
    return sorted(entries, key=operator.attrgetter("name")), seen


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
                seen.dangling += item.is_symlink() and _kind(item.name) in SUFFIXES
            elif _counts(item.name, seen):
                file = item.stat()
                yield Entry(place + item.name, file.st_size, file.st_mtime_ns)


def _counts(name: str, seen: Census) -> bool:
    """Whether a file is listed, by its name; any other is noted."""
    if _is_hidden(name):
        seen.hidden += 1
        return False
    kind = _kind(name)
    if kind not in SUFFIXES:
        seen.others[kind] += 1
    return kind in SUFFIXES


def _is_hidden(name: str) -> bool:
    *folders, leaf = name.split("/")
    dotted = leaf.startswith(".") and not leaf.startswith("..")  # "..a.png" is a name that someone gave
    return dotted or leaf in HIDDEN or any(part in HIDDEN_FOLDERS or part[:1] == "." for part in folders)


def _kind(name: str) -> str:
    """Suffix in lower case."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million names


def _archive(path: Path) -> zipfile.ZipFile:
    """The zip file, of which every member can be read.

    Raises:
        UserError: it is cut, encrypted, or compressed in a way that is not read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: a damaged zip file ({error}); copy or download it again") from None
    for member in archive.infolist():
        if member.flag_bits & 1:
            raise UserError(f"{path}: an encrypted zip file; unpack it to a folder, and give that")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            raise UserError(
                f"{path}: compressed by method {member.compress_type}, which is not read; pack it again, or unpack it"
            )
    return archive


def _what(path: Path) -> str:
    """A file that is no zip file, in words."""
    kind = _kind(path.name)
    if kind in SUFFIXES:
        return "one image"
    return {".zip": "a damaged zip file", ".csv": "a list", ".txt": "a list"}.get(
        kind, f"a file of kind {kind or 'none'}"
    )


def listing_digest(entries: Sequence[Entry]) -> str:
    """What says that the files of a source have changed."""
    return hashlib.sha256(repr(list(entries)).encode()).hexdigest()[:16]


def plan_digest(entries: Sequence[Entry]) -> str:
    """What says that a job finds the files that it was planned with: names and sizes, wherever they were copied to."""
    return hashlib.sha256(repr([(entry.name, entry.size) for entry in entries]).encode()).hexdigest()[:16]


def reader(path: str | Path) -> Callable[[str], bytes]:
    """What gives the bytes of a file by its name in the listing."""
    root = Path(path)
    if root.is_dir():
        return lambda name: (root / name).read_bytes()
    return _archive(root).read
