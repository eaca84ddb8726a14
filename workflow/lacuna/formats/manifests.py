"""Manifests of users' sources (`results/manifests/{source}.jsonl`), format lacuna-manifest/1.

Written by the main process of Snakemake when a run begins, where something has changed, so that no job has to list a
folder or an archive. A line of JSON each. First what the whole source is: `path`, `labelled`, `subset_seed`,
`stored_size`, `kind` of container, `total` images, whether they are `numbered`, `files` that they are in (rows as
below), `classes` of a labelled source, and `census`, what was seen on the way (`images`, `others` by suffix, `hidden`,
`links` followed, `dangling`, `closed`, `repeated`). Then a row for each image that is counted, in the source's order:
name, size in bytes, modification time in ns, where it begins in its file, label (-1 where there is none); no rows where
images are `numbered`, as in arrays and databases.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacuna.errors import UserError
from lacuna.formats.files import atomic

FORMAT = "lacuna-manifest/1"
Row = Sequence[Any]


@dataclass(frozen=True)
class Manifest:
    """The first line, and the lines of the rows, each parsed when it is asked for."""

    header: dict[str, Any]
    lines: Sequence[bytes]

    def rows(self, first: int, last: int) -> list[Row]:
        """Rows of images `first` to `last`."""
        return [json.loads(line) for line in self.lines[first : last + 1]]


def write(path: str | Path, header: dict[str, Any], rows: Iterable[Row]) -> None:
    """Write a manifest, whole or not at all; a file that says the same is left alone."""
    dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode  # ASCII holds names that are no UTF-8
    content = "\n".join([dumps({"format": FORMAT} | header), *map(dumps, rows), ""]).encode("ascii")
    if Path(path).is_file() and Path(path).read_bytes() == content:
        return
    with atomic(path) as partial:
        partial.write_bytes(content)


def read(path: str | Path) -> Manifest | None:
    """Read a manifest; None where there is none.

    Raises:
        UserError: it is damaged, or of another format.
    """
    try:
        first, *lines = Path(path).read_bytes().splitlines()
        header = json.loads(first)
        if header["format"] != FORMAT:
            raise KeyError
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        raise UserError(f"{path}: no manifest of format {FORMAT}; delete it and run again") from None
    return Manifest(header, lines)


def census(path: str | Path | None) -> dict[str, Any] | None:
    """What was seen on the way to a listing; None where there is no manifest."""
    if not path or not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        found: dict[str, Any] = json.loads(file.readline())["census"]
    return found
