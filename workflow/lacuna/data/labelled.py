"""A user's labelled images: a folder or archive with a subfolder for each class, as ImageNet comes, or a file that has
a label for each image, .npz or parquet.

Label k of subfolders is the k-th by name, numbers in names by their size; labels in files are what they are. Images go
round the classes: first the first of each class, then the second of each, so the first N hold the classes as equally as
there are images, and image i stays what it is whatever the count.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lacuna.data.containers import surveyed
from lacuna.data.containers.listing import Census, Container, Entry, Labels
from lacuna.errors import UserError


@dataclass(frozen=True)
class LabelledListing:
    """The images of all classes with their labels, going round the classes; names of all labels."""

    container: Container
    entries: Sequence[Entry]
    names: Sequence[str]
    seen: Census


def labelled_listing(path: str | Path) -> LabelledListing:
    """The labelled images at a path.

    Raises:
        UserError: nothing there that can be read, no images, or images without a label.
    """
    container, listing = surveyed(path)
    found = container.labels()
    entries = container.at(range(listing.total)) if listing.numbered else listing.entries
    codes, names = found or _of_subfolders(path, entries)
    seen: Counter[int] = Counter()
    ranked = []
    for place, code in enumerate(codes):
        ranked.append((seen[code], code, place))
        seen[code] += 1
    ordered = ((entries[place], code) for _, code, place in sorted(ranked))
    rows = [Entry(entry.name, entry.size, entry.modified_ns, entry.start, code) for entry, code in ordered]
    return LabelledListing(container, rows, names, listing.seen)


def _of_subfolders(path: str | Path, entries: Sequence[Entry]) -> Labels:
    """Labels by the subfolder that each image is in."""
    loose = next((entry.name for entry in entries if "/" not in entry.name), None)
    if loose is not None:
        raise UserError(f"{path}: {loose} lies in no subfolder, expected every image in a subfolder of its class")
    folders = [entry.name.split("/")[0] for entry in entries]
    names = class_names(folders)
    code_of = {name: code for code, name in enumerate(names)}
    return Labels([code_of[folder] for folder in folders], names)


def class_names(folders: Iterable[str]) -> list[str]:
    """Names of subfolders in order: by name, but numbers in names by their size, so that 2 comes before 10."""
    return sorted(set(folders), key=_natural)


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Text and numbers of a name in turn; the name itself decides between 7 and 007."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name
