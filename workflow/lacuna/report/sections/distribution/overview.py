"""Every comparison of a configuration in one table, and which of them the page goes into.

The figures and tables of one comparison are about a megabyte of page and some seconds of drawing, so a page of a
thousand snapshots shows those at both ends in full and all of them in the table; their own files are in results/fsd.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lacuna.config import distribution as asked
from lacuna.config import targets
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.inputs import Inputs
from lacuna.report.words import SHORT

MOST_DETAILED = 12
INFINITY = ("fsd_infinity", "fsd_infinity_low", "fsd_infinity_high")
MOST_NAMED = 4  # classes in a row; the comparison's TSV has all


@dataclass(frozen=True)
class Row:
    """One comparison: its distance, and the classes that the generated side is short of.

    infinity: FSD extrapolated to infinitely many images, and its interval; None where it is not known.
    files: of all classes, as the workflow names it.
    """

    generated: str
    real: str
    segmenter: str
    fsd: float
    infinity: tuple[float, float, float] | None
    baseline: float | None
    num_short: int
    short: list[str]
    files: str


def rows(inputs: Inputs, comparisons: Sequence[asked.Comparison]) -> list[Row]:
    """One row per comparison, the nearest first; equal distances keep the configuration's order."""
    return sorted((_row(inputs, comparison) for comparison in comparisons), key=lambda row: row.fsd)


def detailed(comparisons: Sequence[asked.Comparison], overview: Sequence[Row]) -> list[asked.Comparison]:
    """The comparisons that the page shows in full, in the configuration's order: all of a few, or both ends of many."""
    if len(comparisons) <= MOST_DETAILED:
        return list(comparisons)
    half = MOST_DETAILED // 2
    shown = {(row.segmenter, row.real, row.generated) for row in (*overview[:half], *overview[-half:])}
    return [entry for entry in comparisons if (entry.segmenter, entry.real, entry.generated) in shown]


def _row(inputs: Inputs, comparison: asked.Comparison) -> Row:
    summary, table = inputs.comparison_summary(comparison), inputs.comparison_table(comparison)
    category = summary.get("category")
    counted = [row for row in table if row["class"] != BACKGROUND and category in (None, row["category"])]
    short = sorted((row for row in counted if row["verdict"] in SHORT), key=lambda row: float(row["relative_delta"]))
    infinity = [float(summary[name]) for name in INFINITY if summary.get(name) is not None]
    return Row(
        generated=comparison.generated,
        real=comparison.real,
        segmenter=comparison.segmenter,
        fsd=summary["fsd"],
        infinity=(infinity[0], infinity[1], infinity[2]) if len(infinity) == len(INFINITY) else None,
        baseline=summary.get("baseline_fsd"),
        num_short=len(short),
        short=[row["class"] for row in short[:MOST_NAMED]],
        files=targets.fsd_files(comparison)[1],
    )
