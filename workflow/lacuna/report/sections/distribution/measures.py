"""What else the tables say of one comparison: sample sizes, the distance by category, other statistics, heavy pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from lacuna import metrics
from lacuna.areas.columns import Column
from lacuna.report import words
from lacuna.report.figures import sizes, style
from lacuna.report.figures.sizes import SizePoint

MOST_PAIRS = 8
COLUMNS = [column for column in metrics.columns() if column.title]  # of the table on the page
AT_WORK = {
    "dropping": "it drops images: recall is under that of real images",
    "inventing": "it invents images: precision is under that of real images",
    "both": "it drops images and invents some: recall and precision are under those of real images",
    "neither": "neither dropping nor inventing shows beyond chance",
}


@dataclass(frozen=True)
class Cell:
    """One number as the page tells it: its value, and in brackets its interval or that of real images."""

    value: str
    beside: str = ""


@dataclass(frozen=True)
class Category:
    """Statistics of one category's classes: a cell for each of COLUMNS, and all values by name."""

    name: str
    cells: list[Cell]
    values: Mapping[str, Any]
    at_work: str


@dataclass(frozen=True)
class Pair:
    """Two classes (or one twice), and their share of the covariance term."""

    classes: tuple[str, str]
    contribution: float
    share: float


@dataclass(frozen=True)
class Measures:
    """Everything that stands below the figure of one comparison."""

    points: list[SizePoint]
    figure: Figure | None
    drawing: Markup
    categories: list[Category]
    pairs: list[Pair]


def measures(summary: Mapping[str, Any]) -> Measures:
    """Read them from the summary of fsd."""
    points = [
        SizePoint(min(point["num_real"], point["num_generated"]), point["fsd"], point["baseline_fsd"])
        for point in summary.get("sample_sizes", [])
    ]
    figure = sizes.sensitivity(points, _interval(summary, "fsd_infinity", "fsd_infinity")) if points else None
    label = (
        "Line figure. The distance at several numbers of images per side, and that of real images from real images; "
        "both fall as images are added. The table beside it holds the same numbers."
    )
    return Measures(
        points=points,
        figure=figure,
        drawing=Markup(style.inline_svg(figure, label)) if figure else Markup(""),
        categories=[_category(name, found) for name, found in summary.get("by_category", {}).items()],
        pairs=_pairs(summary.get("class_pairs", []), summary["covariance_term"]),
    )


def _category(name: str, found: Mapping[str, Any]) -> Category:
    cells = [_cell(column, found) for column in COLUMNS]
    return Category(name, cells, found, AT_WORK.get(found.get("at_work") or "", ""))


def _cell(column: Column, found: Mapping[str, Any]) -> Cell:
    if found.get(column.name) is None:
        return Cell(words.UNKNOWN)
    value, *more = (words.shown(found.get(name), column.kind) for name in column.names)
    if column.real:
        return Cell(value, f"({more[-1]})")
    return Cell(value, f"[{', '.join(more)}]" if more else "")


def _pairs(found: Sequence[Mapping[str, Any]], total: float) -> list[Pair]:
    return [
        Pair((entry["classes"][0], entry["classes"][1]), entry["contribution"], entry["contribution"] / total)
        for entry in found[:MOST_PAIRS]
        if total > 0
    ]


def _interval(found: Mapping[str, Any], name: str, stem: str) -> tuple[float, float, float] | None:
    value = found.get(name)
    return None if value is None else (value, found[f"{stem}_low"], found[f"{stem}_high"])
