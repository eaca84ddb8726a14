"""The distribution figure: mean area of each class, real and generated, and the relative difference below.

Source: Bau et al. 2019, arXiv:1910.11626, figure 2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from lacuna.report.figures.style import INK, VERDICTS, WIDTH_IN, drawing

Legend = tuple[list[Artist], list[str]]  # handles and labels
BAR = 0.38  # width of a bar; two a class
STATED = ("omitted", "reduced", "excess")  # verdicts whose bars say their value
MOST_STATED = 24  # bars side by side; of more the values would overlap
LEAST_RANGE = 1.0  # the difference axis reaches at least from -100 % to +100 %
MOST_RANGE = 2.5  # and never further up than +250 %; a longer bar is cut and says its value


@dataclass(frozen=True)
class ClassBar:
    """One class: mean areas in percent of the image; difference and its interval as fractions of the real area."""

    name: str
    real: float
    generated: float
    delta: float
    low: float
    high: float
    verdict: str


def distribution(bars: Sequence[ClassBar], real: str, generated: str) -> Figure:
    """The paper's figure: classes side by side in the order given, areas above, differences below."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN, 4.6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        places = range(len(bars))
        floor = _floor(bars)
        for side, name, shift in ((real, "real", -BAR / 2), (generated, "generated", BAR / 2)):
            tops = [max(getattr(bar, name), floor) for bar in bars]
            above.bar([at + shift for at in places], tops, BAR, color=INK[name], label=side)
            for at, bar in zip(places, bars, strict=True):
                if getattr(bar, name) == 0:
                    above.annotate("0", (at + shift, floor), (0, 2), textcoords="offset points", ha="center", size=7)
        above.set_yscale("log")
        above.set_ylim(floor, _ceiling(bars, floor))
        above.yaxis.set_major_formatter(FuncFormatter(percent))
        above.yaxis.grid(True)
        above.set_axisbelow(True)
        above.set_ylabel("mean area of the image")
        above.legend(loc="upper right", ncols=2)
        limit = _limit(bars)
        for at, bar in zip(places, bars, strict=True):
            difference(below, at, bar, limit, upright=True, stated=len(bars) <= MOST_STATED)
        below.set_ylim(-1.08, limit * 1.04)
        below.yaxis.grid(True)
        below.set_axisbelow(True)
        below.axhline(0, color=INK["faint"], linewidth=0.6)
        below.yaxis.set_major_formatter(FuncFormatter(signed))
        below.set_ylabel("relative difference")
        below.set_xlim(-0.7, len(bars) - 0.3)
        below.set_xticks(list(places), [bar.name for bar in bars], rotation=45, ha="right", rotation_mode="anchor")
        below.tick_params(axis="x", length=0)
        _verdict_legend(figure, bars)
    return figure


def distribution_rows(bars: Sequence[ClassBar], real: str, generated: str) -> Figure:
    """The same for a narrow page: one class per row, so that every name reads straight."""
    with drawing():
        figure = Figure(figsize=(4.2, 1.3 + 0.27 * len(bars)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        places = range(len(bars))
        floor = _floor(bars)
        for side, name, shift in ((real, "real", -BAR / 2), (generated, "generated", BAR / 2)):
            tops = [max(getattr(bar, name), floor) for bar in bars]
            left.barh([at + shift for at in places], tops, BAR, color=INK[name], label=side)
            for at, bar in zip(places, bars, strict=True):
                if getattr(bar, name) == 0:
                    left.annotate("0", (floor, at + shift), (3, 0), textcoords="offset points", va="center", size=7)
        left.set_xscale("log")
        left.set_xlim(left=floor)
        left.xaxis.set_major_formatter(FuncFormatter(percent))
        left.xaxis.grid(True)
        left.set_axisbelow(True)
        left.set_xlabel("mean area")
        limit = _limit(bars)
        for at, bar in zip(places, bars, strict=True):
            difference(right, at, bar, limit, upright=False, stated=True)
        right.set_xlim(-1.08, limit * 1.04)
        right.xaxis.grid(True)
        right.set_axisbelow(True)
        right.axvline(0, color=INK["faint"], linewidth=0.6)
        right.xaxis.set_major_formatter(FuncFormatter(signed))
        right.set_xlabel("difference")
        left.set_ylim(len(bars) - 0.3, -0.7)
        left.set_yticks(list(places), [bar.name for bar in bars])
        for axes in (left, right):
            axes.tick_params(axis="y", length=0, labelcolor=INK["ink"])
        _verdict_legend(figure, bars, left.get_legend_handles_labels())
    return figure


def difference(axes: Axes, at: int, bar: ClassBar, limit: float, upright: bool, stated: bool) -> None:
    """One bar of the relative difference with its interval; what leaves the axis is cut and labelled.

    Args:
        stated: a difference beyond doubt says its value.
    """
    if math.isnan(bar.delta):
        return
    low, high = min(bar.low, limit), min(bar.high, limit)
    draw, line = (axes.bar, axes.vlines) if upright else (axes.barh, axes.hlines)
    draw(at, min(bar.delta, limit), 0.7, color=VERDICTS[bar.verdict], edgecolor=INK["faint"], linewidth=0.6)
    if math.isfinite(low) and math.isfinite(high):
        line(at, low, high, color=INK["ink"], linewidth=1.0)
    if bar.delta > limit:
        place, sides = ((at, limit), ("center", "top")) if upright else ((limit, at), ("right", "center"))
        axes.annotate(signed(bar.delta), place, ha=sides[0], va=sides[1], size=7, color=INK["paper"])
    elif stated and bar.verdict in STATED:  # on the other side of zero, where there is always room
        offset = 3.0 if bar.delta < 0 else -3.0
        if upright:
            axes.annotate(signed(bar.delta), (at, 0), (0, offset), textcoords="offset points", ha="center",
                          va="bottom" if bar.delta < 0 else "top", size=7)  # fmt: skip
        else:
            axes.annotate(signed(bar.delta), (0, at), (offset, 0), textcoords="offset points",
                          ha="left" if bar.delta < 0 else "right", va="center", size=7)  # fmt: skip


def _verdict_legend(figure: Figure, bars: Sequence[ClassBar], more: Legend | None = None) -> None:
    """The verdicts that occur, and any further handles and labels, under the figure."""
    present = [verdict for verdict in VERDICTS if any(bar.verdict == verdict for bar in bars)]
    handles = [Patch(facecolor=VERDICTS[name], edgecolor=INK["faint"], linewidth=0.6) for name in present]
    if more:
        figure.legend(*more, loc="outside upper center", ncols=2)
    columns = len(present) if more is None else 3
    figure.legend(handles, present, loc="outside lower center", ncols=columns, handlelength=1.2, columnspacing=1.6)


def _floor(bars: Sequence[ClassBar]) -> float:
    """Foot of the logarithmic axis in percent: a decade that holds the smallest area, not under 0.001 %."""
    positive = [area for bar in bars for area in (bar.real, bar.generated) if area > 0]
    return max(10.0 ** math.floor(math.log10(min(positive, default=1.0))), 1e-3)


def _ceiling(bars: Sequence[ClassBar], floor: float) -> float:
    """Top of the logarithmic axis: a decade over the largest area."""
    largest = max(max(bar.real, bar.generated) for bar in bars)
    return 10.0 ** math.ceil(math.log10(max(largest, 10 * floor)))


def _limit(bars: Sequence[ClassBar]) -> float:
    highest = max((bar.high for bar in bars if math.isfinite(bar.high)), default=0.0)
    return min(max(highest, LEAST_RANGE), MOST_RANGE)


def percent(value: float, position: object = None) -> str:
    return f"{value:g} %"


def signed(value: float, position: object = None) -> str:
    if math.isinf(value):
        return "+∞"
    rounded = round(100 * value)
    return f"{rounded:+d} %".replace("-", "\N{MINUS SIGN}") if rounded else "0"
