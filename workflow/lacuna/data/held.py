"""What a user's source holds: as its container says, or as the manifest says that the main process wrote."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Self, overload

from lacuna.data import subset
from lacuna.data.containers import container, is_lmdb, lmdb_file, surveyed
from lacuna.data.containers.listing import Census, Container, Entry, listing_digest, plan_digest
from lacuna.data.labelled import labelled_listing
from lacuna.errors import UserError
from lacuna.formats import manifests
from lacuna.formats.manifests import Manifest


@dataclass(frozen=True)
class Asked:
    """What of a source decides which images it has, and in which order.

    Attributes:
        path: of the container.
        labelled: images go round their classes.
        subset_seed: seed of a random order; None for the container's own.
        stored_size: side in pixels of the images to read, where each is there at several sizes.
    """

    path: str
    labelled: bool = False
    subset_seed: int | None = None
    stored_size: int | None = None

    @classmethod
    def by(cls, source: Mapping[str, Any]) -> Self:
        """What the configuration says of a source."""
        return cls(source["path"], source["kind"] == "labelled", subset.subset_seed(source), source.get("stored_size"))


@dataclass(frozen=True)
class Held:
    """What a source holds.

    Attributes:
        total: number of images.
        entries: one for each image in the source's order; where images are `numbered`, one for each of their files.
        seen: what was looked at on the way.
        numbered: images have numbers, not entries.
        kind: of the container.
        files: that the container consists of; none of a folder.
        classes: names of the labels, where the source is labelled.
    """

    total: int
    entries: Sequence[Entry]
    seen: Census
    numbered: bool
    kind: str
    files: Sequence[Entry]
    classes: Sequence[str] = ()

    def digest(self, first: int, last: int) -> str:
        """What changes when the files of images `first` to `last` do."""
        return listing_digest(self.rows(first, last))

    def plan(self, first: int, last: int) -> str:
        """What a job of images `first` to `last` must find as it was when the workflow was planned."""
        return plan_digest(self.rows(first, last))

    def rows(self, first: int, last: int) -> Sequence[Entry]:
        """Entries of images `first` to `last`, or of the files that hold them."""
        return self.entries if self.numbered else self.entries[first : last + 1]

    def images(self, asked: Asked, first: int, last: int) -> tuple[Container, Sequence[Entry]]:
        """The container, and images `first` to `last` in it.

        Raises:
            UserError: there are fewer, or their files have changed since the listing.
        """
        found = container(self.kind, asked.path, asked.stored_size)
        if last >= self.total:
            numbers = f"images {first}-{last} asked for"
            raise UserError(f"{asked.path}: holds {self.total} images, {numbers}; lower the source's count")
        rows = self.rows(first, last)
        if not found.is_unchanged(rows, self.files):
            raise changed(asked.path)
        if not self.numbered:
            return found, rows
        return found, found.at(subset.chosen(self.total, first, last, asked.subset_seed, asked.path))


def listed(asked: Asked) -> Held:
    """What a source holds, looked at now.

    Raises:
        UserError: nothing that can be read.
    """
    if asked.labelled:
        found = labelled_listing(asked.path)
        files = found.container.files()
        return Held(len(found.entries), found.entries, found.seen, False, found.container.kind, files, found.names)
    where, listing = surveyed(asked.path, asked.stored_size)
    entries = listing.entries
    if not listing.numbered and asked.subset_seed is not None:
        entries = [entries[number] for number in subset.order(listing.total, asked.subset_seed)]
    return Held(listing.total, entries, listing.seen, listing.numbered, where.kind, where.files())


def checked_lmdb(asked: Asked) -> Held:
    """The same of a source that must be an LMDB."""
    if not is_lmdb(asked.path):
        raise lmdb_file.missing(asked.path)
    return listed(asked)


@dataclass(frozen=True)
class Plan:
    """How the workflow holds a job to the files that it was planned with.

    Attributes:
        manifest: path of the source's manifest; empty where there is none.
        digest: what `Held.plan` gave for the images of the job; empty where they were not looked at.
    """

    manifest: str = ""
    digest: str = ""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Flags of a stage that reads what a user has."""
        parser.add_argument("--manifest", default="", help="what the workflow saw of the user's source when it started")
        parser.add_argument("--planned", default="", help="digest of the user's files as the shard was planned")

    @classmethod
    def of(cls, args: argparse.Namespace) -> Self:
        """What these flags say."""
        return cls(args.manifest, args.planned)

    def fits(self, held: Held, first: int, last: int) -> bool:
        """Whether a source holds what was planned for images `first` to `last`."""
        return last < held.total and self.digest in ("", held.plan(first, last))


def planned(asked: Asked, first: int, last: int, plan: Plan) -> Held:
    """What the manifest says of a source; or where it does not fit the plan, as one of another run, what is found now.

    Raises:
        UserError: that does not fit the plan either.
    """
    found = from_manifest(plan.manifest, asked) if plan.manifest else None
    if found is None or not plan.fits(found, first, last):
        found = listed(asked)
        if plan.digest and not plan.fits(found, first, last):
            raise changed(asked.path)
    return found


def changed(path: str | Path) -> UserError:
    """What to say of a source whose files have changed: shards of two states would count an image twice, or never."""
    return UserError(f"{path}: its files have changed since the workflow started; run the same command again")


def write_manifest(path: str | Path, asked: Asked, held: Held, count: int) -> None:
    """Write what a source holds, with rows of the first `count` images."""
    header = asdict(asked) | {
        "total": held.total,
        "kind": held.kind,
        "numbered": held.numbered,
        "files": [astuple(entry) for entry in (held.entries if held.numbered else held.files)],
        "classes": list(held.classes),
        "census": held.seen.stated(),
    }
    rows = [] if held.numbered else held.entries[:count]
    manifests.write(path, header, ((row.name, row.size, row.modified_ns, row.start, row.label) for row in rows))


def from_manifest(path: str | Path, asked: Asked) -> Held | None:
    """What a manifest says of a source; None where there is none, or it is of another source.

    `total` is that of the images whose rows it has.
    """
    found = manifests.read(path)
    if found is None or any(found.header.get(name) != value for name, value in asdict(asked).items()):
        return None
    header, files = found.header, [Entry(*row) for row in found.header["files"]]
    entries: Sequence[Entry] = files if header["numbered"] else _Rows(found)
    total = header["total"] if header["numbered"] else len(entries)
    return Held(
        total, entries, Census.of(header["census"]), header["numbered"], header["kind"], files, header["classes"]
    )


class _Rows(Sequence[Entry]):
    """The rows of a manifest, each made an entry when it is asked for."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __len__(self) -> int:
        return len(self._manifest.lines)

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...

    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        if isinstance(place, int):
            return Entry(*self._manifest.rows(place, place)[0])
        first, last, step = place.indices(len(self))
        return [Entry(*row) for row in self._manifest.rows(first, last - 1)[::step]]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self[:])
