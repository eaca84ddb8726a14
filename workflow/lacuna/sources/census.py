"""What the users' folders, archives, arrays and LMDBs hold, looked at when the workflow starts.

A count that the configuration leaves out is all that a source holds. Digests of what is seen say what has changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacuna.kit.errors import UserError
from lacuna.kit.shorthand import FILES
from lacuna.sources import labelled, subset
from lacuna.sources.containers import is_lmdb, lmdb_file, surveyed
from lacuna.sources.containers.listing import Census, Entry, listing_digest, plan_digest

Config = dict[str, Any]
FETCHED = "resources/"  # what fetch brings is tracked as a file, and may not be there yet


@dataclass(frozen=True)
class Held:
    """What a source holds.

    Attributes:
        total: number of images.
        entries: one for each image in the source's order; where images are `numbered`, one for each of their files.
        seen: what was looked at on the way.
    """

    total: int
    entries: Sequence[Entry]
    seen: Census
    numbered: bool = False

    def digest(self, first: int, last: int) -> str:
        """What changes when the files of images `first` to `last` do."""
        return listing_digest(self.files(first, last))

    def plan(self, first: int, last: int) -> str:
        """What a job of images `first` to `last` must find as it was when the workflow was planned."""
        return plan_digest(self.files(first, last))

    def files(self, first: int, last: int) -> Sequence[Entry]:
        """The files of images `first` to `last`."""
        return self.entries if self.numbered else self.entries[first : last + 1]


def census(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Held]:
    """What each of the sources `names` holds; those that the workflow makes or fetches are left out."""
    return {
        name: held(config["sources"][name])
        for name in names
        if config["sources"][name]["kind"] in FILES and not _is_to_be_fetched(config["sources"][name])
    }


def _is_to_be_fetched(source: Mapping[str, Any]) -> bool:
    """Whether a source is an LMDB that fetch brings, now or before."""
    path = source.get("path", "")
    return is_fetched(path) and (source["kind"] == "lsun" or (source["kind"] == "folder" and is_lmdb(path)))


def held(source: Mapping[str, Any]) -> Held:
    """What one source holds."""
    path = source["path"]
    if source["kind"] == "labelled":
        found = labelled.labelled_listing(path)
        return Held(len(found.entries), found.entries, found.seen)
    if source["kind"] == "lsun" and not is_lmdb(path):
        raise lmdb_file.missing(path)
    _, listing = surveyed(path, source.get("stored_size"))
    if listing.numbered:
        return Held(listing.total, listing.entries, listing.seen, numbered=True)
    order = subset.order(listing.total, subset_seed(source))
    return Held(listing.total, [listing.entries[number] for number in order], listing.seen)


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
        text = found.seen.line(name)
        if text:
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
