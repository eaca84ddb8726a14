"""A user's labelled images: a folder or zip file with a subfolder for each class, as ImageNet comes.

Label k is the k-th subfolder by name, numbers in names by their size. Images go round the classes: first the first of
each class, then the second of each, so the first N hold the classes as equally as there are images, and image i stays
what it is whatever the count.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lacuna.data.folder import Entry, listing
from lacuna.errors import UserError


class LabelledEntry(NamedTuple):
    """One file and its label."""

    entry: Entry
    label: int


def labelled_listing(path: str | Path) -> list[LabelledEntry]:
    """The image files of all classes, going round the classes.

    Raises:
        UserError: no such folder, no images, or an image that lies in no subfolder.
    """
    entries = listing(path)
    loose = next((entry.name for entry in entries if "/" not in entry.name), None)
    if loose is not None:
        raise UserError(f"{path}: {loose} lies in no subfolder, expected every image in a subfolder of its class")
    names = class_names(entries)
    label_of = {name: label for label, name in enumerate(names)}
    seen = dict.fromkeys(names, 0)
    ranked = []
    for entry in entries:
        name = entry.name.split("/")[0]
        ranked.append((seen[name], label_of[name], entry))
        seen[name] += 1
    return [LabelledEntry(entry, label) for _, label, entry in sorted(ranked)]


def class_names(entries: Sequence[Entry]) -> list[str]:
    """Names of the subfolders in order: by name, but numbers in names by their size, so that 2 comes before 10."""
    return sorted({entry.name.split("/")[0] for entry in entries}, key=_natural)


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Text and numbers of a name in turn; the name itself decides between 7 and 007."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name
