"""Where a distance comes from: the part of each class in FSD, the largest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lacuna.report.figures.style import INK, VERDICTS, drawing

MOST = 10  # classes of their own; the rest are one bar


@dataclass(frozen=True)
class Part:
    """One class: its share of the distance, and its verdict; without one it is the sum of the smaller classes."""

    name: str
    share: float
    verdict: str = ""


def largest(parts: Sequence[Part]) -> list[Part]:
    """The largest parts, and the sum of all others."""
    ordered = sorted(parts, key=lambda part: -part.share)
    rest = ordered[MOST:]
    together = Part(f"{len(rest)} more", sum(part.share for part in rest))
    return ordered[:MOST] + ([together] if rest else [])


def contributions(parts: Sequence[Part]) -> Figure:
    """A bar a class, in the colour of its verdict."""
    with drawing():
        figure = Figure(figsize=(4.6, 0.55 + 0.215 * len(parts)), layout="constrained")
        axes = figure.subplots()
        for at, part in enumerate(parts):
            colour = VERDICTS[part.verdict] if part.verdict else INK["paper"]
            axes.barh(at, part.share, 0.7, color=colour, edgecolor=INK["faint"], linewidth=0.6)
            axes.annotate(f"{100 * part.share:.0f} %", (max(part.share, 0), at), (3, 0), textcoords="offset points",
                          va="center", size=7)  # fmt: skip
        axes.set_yticks(range(len(parts)), [part.name for part in parts])
        axes.set_ylim(len(parts) - 0.4, -0.6)
        axes.margins(x=0.12)
        axes.tick_params(axis="y", length=0, labelcolor=INK["ink"])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
        axes.xaxis.grid(True)
        axes.set_axisbelow(True)
        axes.set_xlabel("share of FSD")
    return figure
