"""What a number is called, and how it is told: the columns of tables, summaries and pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One number of a metric.

    Attributes:
        name: its key in JSON and its column in TSV.
        meaning: what it is, Markdown of one line.
        title: its heading on the page; empty where the page's table does not show it.
        kind: how it is shown: `number`, `count`, `share`, or `text`.
        better: `lower` or `higher`, for a generator; empty where neither is.
        ends: names of the ends of its interval.
        real: name of what it is between real images and real images.
    """

    name: str
    meaning: str
    title: str = ""
    kind: str = "number"
    better: str = ""
    ends: tuple[str, str] | None = None
    real: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name, and those of the numbers that belong to it."""
        return (self.name, *(self.ends or ()), *([self.real] if self.real else []))


def markdown(columns: Iterable[Column]) -> str:
    """A table of names and meanings."""
    rows = []
    for column in columns:
        better = f" ({column.better} is better)" if column.better else ""
        rows.append(f"| {', '.join(f'`{name}`' for name in column.names)} | {column.meaning}{better} |")
    return "\n".join(["| number | meaning |", "|---|---|", *rows])
