"""Classes by comparisons: do different generators leave out the same things?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lacuna.report.sections.distribution.comparison import Comparison
from lacuna.report.words import SHORT, ClassRow

FIXED_COLUMNS = ("class", "category", "num_short", "mean_delta")


@dataclass(frozen=True)
class ClassAcross:
    """One class in every comparison, None where a comparison does not have it.

    num_short: comparisons in which it is omitted or reduced; mean_delta: mean relative difference where there is one.
    """

    name: str
    category: str
    cells: list[ClassRow | None]
    num_short: int
    mean_delta: float


def classes_across(comparisons: Sequence[Comparison]) -> list[ClassAcross]:
    """One row per class that occurs anywhere: those that most generators are short of first."""
    tables = [{(row.name, row.category): row for row in comparison.rows} for comparison in comparisons]
    rows = []
    for name, category in dict.fromkeys(key for table in tables for key in table):
        cells = [table.get((name, category)) for table in tables]
        deltas = [cell.delta for cell in cells if cell and math.isfinite(cell.delta)]
        short = sum(cell.verdict in SHORT for cell in cells if cell)
        mean = sum(deltas) / len(deltas) if deltas else float("nan")
        rows.append(ClassAcross(name, category, cells, short, mean))
    return sorted(rows, key=lambda row: (-row.num_short, row.mean_delta if math.isfinite(row.mean_delta) else math.inf))


def columns(comparisons: Sequence[Comparison]) -> list[str]:
    """Columns of the TSV."""
    return [*FIXED_COLUMNS, *(f"{view.anchor}:{what}" for view in comparisons for what in ("delta", "verdict"))]


def tsv_rows(rows: Sequence[ClassAcross]) -> list[list[object]]:
    """Rows of the TSV; a class that a comparison does not have is `nan` and empty there."""
    return [
        [row.name, row.category, row.num_short, row.mean_delta,
         *(value for cell in row.cells for value in ((cell.delta, cell.verdict) if cell else (float("nan"), "")))]
        for row in rows
    ]  # fmt: skip


def unequal_counts(comparisons: Sequence[Comparison]) -> str:
    """A warning where the distances of one page are of different numbers of images; empty where they are not."""
    counts = sorted({(view.num_real, view.num_generated) for view in comparisons})
    if len(counts) < 2:
        return ""
    listed = ", ".join(f"{real} and {generated}" for real, generated in counts)
    return (
        f"The comparisons of this page have different numbers of real and generated images ({listed}). FSD falls as "
        "images are added, so compare FSD\N{INFINITY} between them, or set the counts of their sources equal."
    )
