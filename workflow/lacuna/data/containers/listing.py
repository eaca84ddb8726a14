"""What a container of images holds: one entry per image, or where images go by number, an entry for each file; and what
else was seen on the way.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm",
    ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".heic", ".heif", ".jxl",
)  # fmt: skip
# What no source means to hold: twins that Macs add, thumbnails, checkpoints of notebooks, indices of storage boxes.
HIDDEN = ("Thumbs.db", "desktop.ini")
HIDDEN_FOLDERS = ("__MACOSX", "@eaDir")
IMAGE_LIKE = (".svg", ".psd", ".tga", ".dds", ".ico", ".pcx", ".exr", ".hdr", ".cr2", ".nef", ".arw", ".dng", ".raw")
HOLDS_IMAGES = (".zip", ".tar", ".npz", ".npy", ".parquet", ".mdb", ".lmdb")  # files that can be a source of their own

Data = bytes | NDArray[np.uint8]  # an encoded image, or the pixels (H, W, 3) of a stored one


@dataclass(frozen=True, order=True)
class Entry:
    """One image, or one file of many.

    Attributes:
        name: of an image what no other of its container has; of a file its path below the container's.
        size: bytes; 0 where a container does not say how large an image is.
        modified_ns: modification time of the file that it is in.
        start: where the image begins: byte of a tar file, number in a container whose images have numbers. Of a
            parquet file the number of its first image.
        label: class of the image, where a source is labelled.
    """

    name: str
    size: int
    modified_ns: int
    start: int = 0
    label: int = -1


@dataclass
class Census:
    """What was looked at on the way to a listing.

    Attributes:
        images: files that are listed.
        others: files of other kinds, by suffix; those of IMAGE_LIKE are images that no one here reads.
        hidden: droppings of desktops and tools, which are no one's images: see HIDDEN.
        links: links to folders that were followed.
        dangling: links to nothing, as of data that has not been fetched yet, and links in an archive.
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

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """The census that a file states."""
        return cls(**dict(said) | {"others": Counter(said["others"])})

    def stated(self) -> dict[str, Any]:
        """The numbers, as a file states them."""
        return vars(self) | {"others": dict(sorted(self.others.items()))}

    @property
    def lost(self) -> int:
        """What may be images and is not listed."""
        return self.dangling + self.closed + sum(self.others[suffix] for suffix in IMAGE_LIKE)

    def told(self) -> str:
        """What was seen beside the images, in words; empty where there is nothing to tell."""
        others = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(self.others.items()))
        parts = [
            f"links to nothing: {self.dangling}" if self.dangling else "",
            f"folders that may not be read: {self.closed}" if self.closed else "",
            f"names that stand twice: {self.repeated}" if self.repeated else "",
            f"other files: {others}" if others else "",
            f"hidden files: {self.hidden}" if self.hidden else "",
            f"linked folders followed: {self.links}" if self.links else "",
        ]
        return "; ".join(part for part in parts if part)

    def line(self, name: str) -> str:
        """One line for the terminal; empty where there is nothing to tell."""
        told = self.told()
        return f"{name}: {self.images} images; {told}" if told else ""

    @property
    def worth_a_warning(self) -> bool:
        """Whether over 1 % of what may be images is not listed, or a file that may hold many."""
        unopened = any(self.others[kind] for kind in HOLDS_IMAGES)
        return unopened or self.repeated > 0 or self.lost > 0.01 * (self.images + self.lost)

    def counts(self, name: str) -> bool:
        """Whether a file is listed, by its name; any other is noted."""
        if is_hidden(name):
            self.hidden += 1
            return False
        kind = suffix(name)
        if kind not in SUFFIXES:
            self.others[kind] += 1
        return kind in SUFFIXES


@dataclass(frozen=True)
class Listing:
    """What a container holds.

    Attributes:
        total: number of images.
        entries: one for each image, in the container's order; where it is `numbered`, one for each of its files.
        seen: what was looked at on the way.
        numbered: images have numbers, not entries, so that no one has to list millions of them.
    """

    total: int
    entries: Sequence[Entry]
    seen: Census
    numbered: bool = False


class Labels(NamedTuple):
    """Label of each image of a container, in its order, and the name of each label."""

    codes: Sequence[int]
    names: Sequence[str]


class Container(ABC):
    """Where images lie: a folder, an archive, a file of arrays, a database.

    Attributes:
        kind: the container's name in `containers.KINDS`.
        stored_size: side in pixels of the images to read, where each is there at several sizes.
    """

    kind: str

    def __init__(self, path: str | Path, stored_size: int | None = None) -> None:
        self.path, self.stored_size = Path(path), stored_size

    @abstractmethod
    def listing(self) -> Listing:
        """What the container holds; a total of 0 where that is nothing.

        Raises:
            UserError: it cannot be read.
        """

    @abstractmethod
    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What gives an image by its name; those of `wanted` are asked for, as a rule in that order."""

    def files(self) -> list[Entry]:
        """State of the files that the container consists of."""
        return [state(self.path)]

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers, in that order."""
        entries = self.listing().entries
        return [entries[number] for number in numbers]

    def labels(self) -> Labels | None:
        """Labels of the images; None where a container has them by its subfolders.

        Raises:
            UserError: it has none, or none of use.
        """
        return None

    def is_unchanged(self, wanted: Sequence[Entry], files: Sequence[Entry]) -> bool:
        """Whether images are still those of a listing.

        Args:
            wanted: entries of the images.
            files: what `files` was at the time of the listing.
        """
        return plan_digest(self.files()) == plan_digest(files)


def state(path: Path) -> Entry:
    """Name, size and modification time of a file."""
    found = path.stat()
    return Entry(path.name, found.st_size, found.st_mtime_ns)


def nothing_in(path: str | Path, seen: Census) -> UserError:
    """What to say of a container without images."""
    told = seen.told() or "nothing"
    inside = [kind for kind in HOLDS_IMAGES if seen.others[kind]]
    advice = f"give the path of the {inside[0]} file itself" if inside else "correct the source's path"
    return UserError(f"{path}: no images in it ({told}), expected {', '.join(SUFFIXES)}; {advice}")


def is_hidden(name: str) -> bool:
    """Whether a file is a dropping of a desktop or a tool, by its name or that of a folder that it is in."""
    *folders, leaf = name.split("/")
    dotted = leaf.startswith(".") and not leaf.startswith("..")  # "..a.png" is a name that someone gave
    return dotted or leaf in HIDDEN or any(part in HIDDEN_FOLDERS or part[:1] == "." for part in folders)


def suffix(name: str) -> str:
    """Suffix in lower case."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million names


def listing_digest(entries: Sequence[Entry]) -> str:
    """What says that the files of a source have changed: names, sizes, times, labels."""
    return _digest([(entry.name, entry.size, entry.modified_ns, entry.label) for entry in entries])


def plan_digest(entries: Sequence[Entry]) -> str:
    """What says that a job finds the files that it was planned with: names, sizes, labels; copies have other times."""
    return _digest([(entry.name, entry.size, entry.label) for entry in entries])


def _digest(rows: Sequence[tuple[str | int, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
