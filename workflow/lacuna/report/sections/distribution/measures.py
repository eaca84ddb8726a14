"""What else the tables say of one comparison: sample sizes, the distance by category, other statistics, heavy pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from lacuna.report.figures import sizes, style
from lacuna.report.figures.sizes import SizePoint

MOST_PAIRS = 8
AT_WORK = {
    "dropping": "it drops images: recall is under that of real images",
    "inventing": "it invents images: precision is under that of real images",
    "both": "it drops images and invents some: recall and precision are under those of real images",
    "neither": "neither dropping nor inventing shows beyond chance",
}


@dataclass(frozen=True)
class Category:
    """Statistics of one category's classes; None where there are too few images."""

    name: str
    num_classes: int
    fsd: float
    baseline: float | None
    fsd_at_baseline: float | None
    infinity: tuple[float, float, float] | None
    kernel: tuple[float, float, float] | None
    precision: tuple[float, float] | None
    recall: tuple[float, float] | None
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
    return Category(
        name=name,
        num_classes=found["num_classes"],
        fsd=found["fsd"],
        baseline=found.get("baseline_fsd"),
        fsd_at_baseline=found.get("fsd_at_baseline_num"),
        infinity=_interval(found, "fsd_infinity", "fsd_infinity"),
        kernel=_interval(found, "kernel_distance", "kernel"),
        precision=_beside(found, "precision"),
        recall=_beside(found, "recall"),
        at_work=AT_WORK.get(found.get("at_work") or "", ""),
    )


def _pairs(found: Sequence[Mapping[str, Any]], total: float) -> list[Pair]:
    return [
        Pair((entry["classes"][0], entry["classes"][1]), entry["contribution"], entry["contribution"] / total)
        for entry in found[:MOST_PAIRS]
        if total > 0
    ]


def _interval(found: Mapping[str, Any], name: str, stem: str) -> tuple[float, float, float] | None:
    value = found.get(name)
    return None if value is None else (value, found[f"{stem}_low"], found[f"{stem}_high"])


def _beside(found: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    value = found.get(name)
    return None if value is None else (value, found[f"baseline_{name}"])
