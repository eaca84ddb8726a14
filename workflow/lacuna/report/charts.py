"""Figures as the page holds them; those of one comparison: bars of all classes, and where the distance comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from matplotlib.figure import Figure

from lacuna.report.figures import bars, contributions, style
from lacuna.report.words import ClassRow

MOST_BARS = 40  # classes in a figure; all are in the table


@dataclass(frozen=True)
class Drawn:
    """A figure for the page and for papers, and what it shows."""

    name: str
    svg: Markup
    caption: str
    figure: Figure = field(repr=False)


@dataclass(frozen=True)
class Chart:
    """The bar figure of one category, for wide and narrow pages."""

    category: str
    wide: Markup
    narrow: Markup
    num_hidden: int


@dataclass(frozen=True)
class Origin:
    """The parts of the classes in the distance."""

    svg: Markup
    figure: Figure = field(repr=False)


def drawn(name: str, figure: Figure, label: str, caption: str) -> Drawn:
    """A figure of its name; `label` is for those who do not see it."""
    return Drawn(name, Markup(style.inline_svg(figure, label)), caption, figure)


def charts(rows: Sequence[ClassRow], real: str, generated: str, anchor: str) -> tuple[list[Chart], dict[str, Figure]]:
    """The bar figure of each category, and the figures for papers by name."""
    found, figures = [], {}
    for category in dict.fromkeys(row.category for row in rows):
        chosen = sorted((row for row in rows if row.category == category), key=lambda row: -row.real_area)
        shown = [
            bars.ClassBar(row.name, row.real_area, row.generated_area, row.delta, row.low, row.high, row.verdict)
            for row in chosen[:MOST_BARS]
        ]
        wide = bars.distribution(shown, f"real: {real}", f"generated: {generated}")
        narrow = bars.distribution_rows(shown, f"real: {real}", f"generated: {generated}")
        label = (
            f"Bar figure. Mean area of {len(shown)} {category} classes in {real} and in {generated} on a logarithmic "
            "axis, and the relative difference of each with its interval. The table below holds the same numbers."
        )
        drawings = [Markup(style.inline_svg(figure, label)) for figure in (wide, narrow)]
        found.append(Chart(category, drawings[0], drawings[1], len(chosen) - len(shown)))
        figures[f"distribution-{anchor}-{category}"] = wide
    return found, figures


def contributions_of(rows: Sequence[ClassRow], fsd: float) -> Origin | None:
    """Where the distance comes from; None for a distance of nothing."""
    if not (fsd > 0 and rows):
        return None
    parts = contributions.largest([contributions.Part(row.name, row.contribution / fsd, row.verdict) for row in rows])
    figure = contributions.contributions(parts)
    label = (
        f"Bar figure. Share of each class in the distance; the largest is {parts[0].name}. The table holds the same."
    )
    return Origin(Markup(style.inline_svg(figure, label)), figure)
