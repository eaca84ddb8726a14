"""What came out of comparing two sets of images: the numbers that the workflow writes, in a program's hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from lacuna.errors import UserError
from lacuna.formats import tables

SHOWN = 12  # classes in a notebook; to_pandas has all
CHANGED = ("omitted", "reduced", "excess")


@dataclass(frozen=True)
class Comparison:
    """Distance of two sources, and a verdict for every class.

    Attributes:
        results: folder of the files, as the workflow lays them out; it goes with this object unless it was named.
        summary_path, classes_path: of these, what the workflow's stage `fsd` writes; docs/formats.md says what is in
            them.
        page: what writes the report to a path.
    """

    results: Path
    summary_path: Path
    classes_path: Path
    page: Callable[[Path], None] = field(repr=False)
    keeps: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Everything that is known of the distance."""
        return tables.read_json(self.summary_path)

    @property
    def fsd(self) -> float:
        """Frechet Segmentation Distance, in (percent of image area) squared."""
        return float(self.summary["fsd"])

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """One row per class: areas in percent, change with its interval, presence, q-value, verdict."""
        return [{name: _value(text) for name, text in row.items()} for row in tables.read_tsv(self.classes_path)]

    @property
    def changed(self) -> list[dict[str, Any]]:
        """The classes that are left out, reduced or in excess, the heaviest in the distance first."""
        found = [row for row in self.classes if row["verdict"] in CHANGED]
        return sorted(found, key=lambda row: -row["fsd_contribution"])

    def to_pandas(self) -> Any:
        """The classes as a table of pandas.

        Raises:
            UserError: there is no pandas.
        """
        try:
            import pandas
        except ImportError:
            raise UserError("to_pandas: found no pandas, expected it; pip install pandas, or use .classes") from None
        return pandas.DataFrame(self.classes)

    def save_report(self, path: str | Path) -> Path:
        """Write the page that people open, one HTML file."""
        self.page(Path(path))
        return Path(path)

    def __str__(self) -> str:
        base = self.summary["baseline_fsd"]
        among = "" if base is None else f" (two halves of the real images: {base:.4g})"
        words = [f"{row['class']} {row['verdict']}" for row in self.changed]
        return f"FSD {self.fsd:.4g}{among}; {', '.join(words) or 'no class is seen to change'}"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        shown = self.changed[:SHOWN]
        head = "<tr><th>class<th>real %<th>generated %<th>change<th>verdict</tr>"
        rows = "".join(
            f"<tr><td>{escape(row['class'])}<td>{row['real_area']:.3g}<td>{row['generated_area']:.3g}"
            f"<td>{row['relative_delta']:+.0%}<td>{row['verdict']}</tr>"
            for row in shown
        )
        more = len(self.changed) - len(shown)
        rest = f"<p>and {more} more; see <code>.to_pandas()</code></p>" if more else ""
        sentence = escape(str(self).partition(";")[0])
        table = f"<table>{head}{rows}</table>{rest}" if shown else "<p>No class is seen to change.</p>"
        return f"<p><b>{sentence}</b></p>{table}<p>{'; '.join(map(escape, self.summary['warnings']))}</p>"


def _value(text: str) -> Any:
    """A cell of a table: a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
