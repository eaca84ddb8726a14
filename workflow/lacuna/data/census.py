"""What the users' folders, zip files and LMDBs hold, looked at when the workflow starts.

A count that the configuration leaves out is all that a source holds. Digests of what is seen say what has changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacuna.data import folder, labelled, lsun, subset
from lacuna.data.folder import Entry
from lacuna.errors import UserError

Config = dict[str, Any]
FETCHED = "resources/"  # what fetch brings is tracked as a file, and may not be there yet


@dataclass(frozen=True)
class Held:
    """Number of images, and the files that they are in: one an image in the source's order, or the one of the LMDB."""

    total: int
    entries: Sequence[Entry]
    seen: folder.Census | None = None  # on the way to the listing, of a folder or zip file

    def digest(self, first: int, last: int) -> str:
        """What changes when the files of images `first` to `last` do."""
        return folder.listing_digest(self.files(first, last))

    def plan(self, first: int, last: int) -> str:
        """What a job of images `first` to `last` must find as it was when the workflow was planned."""
        return folder.plan_digest(self.files(first, last))

    def files(self, first: int, last: int) -> Sequence[Entry]:
        """The files of images `first` to `last`."""
        return self.entries if len(self.entries) == 1 else self.entries[first : last + 1]


def census(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Held]:
    """What each of the sources `names` holds; those that the workflow makes or fetches are left out."""
    kinds = {name: config["sources"][name]["kind"] for name in names}
    found = {}
    for name in names:
        path, seed = config["sources"][name].get("path", ""), subset_seed(config["sources"][name])
        if kinds[name] == "folder" and not lsun.is_lsun(path):
            entries, seen = folder.survey(path)
            found[name] = Held(len(entries), [entries[number] for number in subset.order(len(entries), seed)], seen)
        elif kinds[name] == "labelled":
            found[name] = held_labelled(path)
        elif kinds[name] in ("folder", "lsun") and not is_fetched(path):
            found[name] = Held(lsun.count(path), [lsun.state(path)])
    return found


def held_labelled(path: str) -> Held:
    """What a folder of classes holds; its images go round the classes."""
    entries = [entry for entry, _ in labelled.labelled_listing(path)]
    return Held(len(entries), entries)


def counted(config: Mapping[str, Any], held: Mapping[str, Held]) -> Config:
    """The configuration with every count of the sources in `held` filled in.

    Raises:
        UserError: a source holds fewer images than asked for, or has no count though it is still to be fetched.
    """
    sources = dict(config["sources"])
    for name, found in held.items():
        asked = sources[name].get("count", found.total)
        if asked > found.total:
            path = sources[name]["path"]
            raise UserError(f"{path}: holds {found.total} images, {asked} asked for; lower the source's count")
        sources[name] = sources[name] | {"count": asked}
    for name, source in sources.items():
        if source["kind"] == "lsun" and "count" not in source and is_fetched(source.get("path", "")):
            raise UserError(f"sources.{name}.count: missing, expected a number of images; fetch brings them only later")
    return dict(config) | {"sources": sources}


def is_fetched(path: str) -> bool:
    """Whether a path is one that fetch makes."""
    return path.startswith(FETCHED)


def subset_seed(source: Mapping[str, Any]) -> int | None:
    """Seed of the order in which a source is counted; None for its own order."""
    seed: int | None = source.get("subset", {}).get("seed")
    return seed


def lines(held: Mapping[str, Held]) -> Iterator[tuple[bool, str]]:
    """One line on each source with something to tell, and whether it is a warning."""
    for name, found in held.items():
        text = found.seen.line(name) if found.seen else ""
        if found.seen and text:
            yield found.seen.worth_a_warning, text


def overlaps(config: Mapping[str, Any]) -> Iterator[str]:
    """One line on each comparison whose sides lie in one another, or are one and the same."""
    for entry in config["comparisons"]:
        sides = [config["sources"][entry[side]] for side in ("real", "generated")]
        if not all(source["kind"] in ("folder", "lsun") for source in sides):
            continue
        real, generated = (Path(source["path"]).resolve() for source in sides)
        names = f"{entry['real']} and {entry['generated']}"
        if real == generated:
            yield f"{names}: both are {real}; their distance is 0"
        elif real in generated.parents or generated in real.parents:
            inner, outer = (generated, real) if real in generated.parents else (real, generated)
            yield f"{names}: {inner} lies inside {outer}, so its images count on both sides; separate them"
