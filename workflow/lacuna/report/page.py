"""The page as sections: what one is, what they are made from, and what lies beside the page for papers."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from matplotlib.figure import Figure

from lacuna.formats import latex, tables
from lacuna.report import album
from lacuna.report.figures import style
from lacuna.report.figures.colours import class_colours
from lacuna.report.figures.segmentations import Colours
from lacuna.report.inputs import Inputs
from lacuna.report.reading import Inverted, legend_classes
from lacuna.report.sections import SECTIONS

S = TypeVar("S", bound="Section")


@dataclass(frozen=True)
class Table:
    """A table of the page; `name` is that of its files, without suffix."""

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @staticmethod
    def of(name: str, caption: str, kind: type, rows: Sequence[Any]) -> "Table":
        """A table of dataclasses, one column per field."""
        return Table(name, caption, [field.name for field in fields(kind)], [astuple(row) for row in rows])


@dataclass(frozen=True)
class Section(ABC):
    """One section, read, worded and drawn. Its fields are the variables of its template."""

    @classmethod
    @abstractmethod
    def of(cls, page: "Page") -> Self | None:
        """Make it; None where the configuration asks for nothing that it shows."""

    def figures(self) -> Mapping[str, Figure]:
        """Its figures by the name of their files."""
        return {}

    def tables(self) -> Iterable[Table]:
        """Its tables."""
        return ()


class Page:
    """What sections are made from: the results, and one another.

    Args:
        code: digest of the code that makes the page.
        folder: for the files beside the page; None where there are to be none.
        html: where the page will lie.
    """

    def __init__(self, inputs: Inputs, code: str, html: Path, folder: Path | None) -> None:
        self.inputs, self.code, self.html, self.folder = inputs, code, html, folder
        self._made: dict[type[Section], Section | None] = {}

    def section(self, kind: type[S]) -> S | None:
        """One section, made when it is first asked for."""
        if kind not in self._made:
            self._made[kind] = kind.of(self)
        found = self._made[kind]
        assert found is None or isinstance(found, kind)
        return found

    def sections(self) -> Iterator[tuple[str, str, Section]]:
        """Name, title and content of every section that has something to show."""
        for entry in SECTIONS:
            kind = getattr(importlib.import_module(entry.module), entry.name.capitalize())
            section = self.section(kind)
            if section is not None:
                yield entry.name, entry.title, section

    @cached_property
    def inverted(self) -> list[Inverted]:
        """The inverted sources."""
        return [self.inputs.inverted(entry) for entry in self.inputs.config.inversions]

    @cached_property
    def colours(self) -> Colours:
        """Colour of each class that a label map of the page shows."""
        return class_colours(legend_classes(self.inverted))

    @cached_property
    def album(self) -> album.Album:
        """Where the pictures of inverted images lie."""
        return album.album(sum(len(item.index_N) for item in self.inverted), self.folder, self.html)


def write_beside(folder: Path, sections: Iterable[Section]) -> None:
    """Write what papers want into `folder`: every figure as SVG and PDF, every table as TSV and LaTeX."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for name, figure in section.figures().items():
            for kind in ("svg", "pdf"):
                style.save(figure, folder / f"{name}.{kind}")
        for table in section.tables():
            tables.write_tsv(folder / f"{table.name}.tsv", table.columns, table.rows)
            latex.write_latex(folder / f"{table.name}.tex", table.columns, table.rows, table.caption)
