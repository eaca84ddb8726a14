"""Encoded images in parquet, as Hugging Face datasets write them: one file, or a folder of them.

The images are the column `image`, or the only one of its kind: bytes, or a struct of `bytes` and `path`. Labels are the
column `label`: integers, whose names are the dataset's where it says them, or texts. Image i is the i-th row, files in
the order of their names. Only footers are read before an image is asked for, then its row group, a few rows at a time.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacuna.data.containers.in_order import served
from lacuna.data.containers.listing import Census, Container, Data, Entry, Labels, Listing, state
from lacuna.errors import UserError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

MARK = b"PAR1"
SUFFIX = ".parquet"
IMAGE, LABEL = "image", "label"
ROWS_AT_ONCE = 32  # decoded together


class Parquet(Container):
    """A parquet file, or a folder of them at any depth; images have numbers."""

    kind = "parquet"

    def listing(self) -> Listing:
        """As many images as the files have rows."""
        entries, total = [], 0
        for path in self._paths():
            with self._opened(path) as file:
                self._column(file.schema_arrow, path)
                entries.append(self._state(path, total))
                total += file.metadata.num_rows
        return Listing(total, entries, Census(images=total), numbered=True)

    def files(self) -> list[Entry]:
        """State of each file."""
        return [self._state(path, 0) for path in self._paths()]

    def at(self, numbers: Sequence[int]) -> list[Entry]:
        """The images of these numbers: `file/row`, and `/path` of the image where the file has it."""
        places = _Places(self)
        paths = dict(places.read(sorted(numbers), "path"))
        found = []
        for number in numbers:
            file, row = places.of(number)
            path = paths.get(number)
            name = f"{file.name.removesuffix(SUFFIX)}/{row}"
            found.append(Entry(f"{name}/{path}" if path else name, 0, file.modified_ns, number))
        return found

    def reader(self, wanted: Sequence[Entry]) -> Callable[[str], Data]:
        """What gives the encoded image of a row."""
        places, numbers = _Places(self), {entry.name: entry.start for entry in wanted}
        serve = served([entry.start for entry in wanted], places.encoded)
        return lambda name: serve(numbers[name])

    def labels(self) -> Labels | None:
        """The labels of all rows.

        Raises:
            UserError: a file has none, or an image is without.
        """
        values: list[Any] = []
        names: list[str] = []
        for path in self._paths():
            with self._opened(path) as file:
                schema = file.schema_arrow
                if LABEL not in schema.names:
                    raise UserError(f"{path}: no column {LABEL}, expected one beside {', '.join(schema.names)}")
                names = names or _class_names(schema)
                values += file.read([LABEL], use_threads=False).column(LABEL).to_pylist()
        if all(isinstance(value, str) for value in values):
            names = sorted(set(values))
            code_of = {name: code for code, name in enumerate(names)}
            return Labels([code_of[value] for value in values], names)
        wrong = next((value for value in values if not isinstance(value, int) or value < 0), None)
        if wrong is not None or None in values:
            raise UserError(
                f"{self.path}: column {LABEL} holds {wrong}, expected integers from 0, or texts; give each image one"
            )
        return Labels(values, names or [str(code) for code in range(max(values) + 1)])

    def _paths(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        return sorted(path for path in self.path.rglob(f"*{SUFFIX}") if not path.name.startswith("."))

    def _state(self, path: Path, first: int) -> Entry:
        found = state(path)
        name = path.relative_to(self.path).as_posix() if path != self.path else path.name
        return Entry(name, found.size, found.modified_ns, first)

    def _opened(self, path: Path) -> "ParquetFile":
        import pyarrow  # 0.3 s: only where there is parquet
        from pyarrow.parquet import ParquetFile

        try:
            return ParquetFile(path, pre_buffer=False)
        except (pyarrow.ArrowInvalid, OSError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise UserError(f"{path}: a damaged parquet file ({reason}); copy or download it again") from None

    def _column(self, schema: "pyarrow.Schema", path: Path) -> tuple[str, bool]:
        """Name of the column of images, and whether it is a struct with their paths."""
        held = {field.name: _holds_bytes(field.type) for field in schema}
        fitting = [name for name, kind in held.items() if kind]
        name = IMAGE if held.get(IMAGE) or len(fitting) != 1 else fitting[0]
        if not held.get(name):
            columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
            raise UserError(f"{path}: no column {IMAGE} of encoded images among {columns}; name it so, as bytes")
        return name, held[name] == "struct"


class _Places:
    """The files of a dataset by the numbers of their images."""

    def __init__(self, parquet: Parquet) -> None:
        self._parquet, listing = parquet, parquet.listing()
        self._files, self._starts = listing.entries, [entry.start for entry in listing.entries]

    def of(self, number: int) -> tuple[Entry, int]:
        """The file that an image is in, and its row there."""
        file = self._files[bisect_right(self._starts, number) - 1]
        return file, number - file.start

    def encoded(self, numbers: Sequence[int]) -> Iterator[bytes | Exception]:
        """The encoded images of numbers that rise."""
        for _, value in self.read(numbers, "bytes"):
            missing = UserError("no bytes in the file, which only names a path; save the dataset with its images in it")
            yield missing if value is None else value

    def read(self, numbers: Sequence[int], leaf: str) -> Iterator[tuple[int, Any]]:
        """Bytes or path of the images of numbers that rise; an exception in place of damaged rows."""
        for file, group in groupby(numbers, key=lambda number: self.of(number)[0]):
            path = self._parquet.path / file.name if self._parquet.path.is_dir() else self._parquet.path
            with self._parquet._opened(path) as opened:
                name, is_struct = self._parquet._column(opened.schema_arrow, path)
                if leaf == "path" and not (is_struct and _has_path(opened.schema_arrow.field(name).type)):
                    continue
                column = f"{name}.{leaf}" if is_struct else name
                yield from ((row + file.start, value) for row, value in
                            _values(opened, column, [number - file.start for number in group]))  # fmt: skip


def _values(file: "ParquetFile", column: str, rows: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Values of a column at rows that rise, each row group read once."""
    metadata = file.metadata
    starts = [0]
    for group in range(metadata.num_row_groups):
        starts.append(starts[-1] + metadata.row_group(group).num_rows)
    for group, members in groupby(rows, key=lambda row: bisect_right(starts, row) - 1):
        waiting = list(members)
        try:
            for row, value in _of_group(file, column, group, starts[group], set(waiting)):
                waiting.remove(row)
                yield row, value
        except OSError as error:
            damage = UserError(f"damaged data in the file ({str(error).strip()})")
            yield from ((row, damage) for row in waiting)


def _of_group(file: "ParquetFile", column: str, group: int, first: int, rows: set[int]) -> Iterator[tuple[int, Any]]:
    row, last = first, max(rows)
    for batch in file.iter_batches(ROWS_AT_ONCE, [group], [column], use_threads=False):
        values = batch.column(0)
        if column.endswith((".bytes", ".path")) and hasattr(values, "field"):
            values = values.field(column.rpartition(".")[2])
        for place in range(len(values)):
            if row + place in rows:
                yield row + place, values[place].as_py()
        row += len(values)
        if row > last:
            return


def _holds_bytes(kind: "pyarrow.DataType") -> str:
    """Whether a column of this type can hold encoded images: `bytes` or `struct`; empty where it cannot."""
    from pyarrow import types

    if types.is_struct(kind):
        inner = {kind.field(place).name: kind.field(place).type for place in range(kind.num_fields)}
        return "struct" if "bytes" in inner and _holds_bytes(inner["bytes"]) == "bytes" else ""
    return "bytes" if types.is_binary(kind) or types.is_large_binary(kind) else ""


def _has_path(kind: "pyarrow.DataType") -> bool:
    return any(kind.field(place).name == "path" for place in range(kind.num_fields))


def _class_names(schema: "pyarrow.Schema") -> list[str]:
    """Names of the labels as Hugging Face's own metadata say them; none where they do not."""
    said = (schema.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(said).get("info", {}).get("features", {})
    return list(features.get(LABEL, {}).get("names", []))
