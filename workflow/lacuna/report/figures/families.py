"""Several generators of the same scenes on one scale: the distribution figure of each, and distance as they learnt.

Source: Bau et al. 2019, arXiv:1910.11626, figure 2.
"""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lacuna.report.figures.bars import ClassBar, difference, percent, signed
from lacuna.report.figures.curves import COLOURS, LINES
from lacuna.report.figures.style import INK, VERDICTS, WIDTH_IN, drawing

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_UP = 1.5  # the difference axis ends at +150 %; a longer bar is cut and says its value


def side_by_side(bars: Mapping[str, Sequence[ClassBar]]) -> Figure:
    """One row per class: mean areas of all on the left, then the relative difference of each generator on one axis.

    Args:
        bars: generator -> its classes, the same in the same order.
    """
    first = next(iter(bars.values()))
    with drawing():
        figure = Figure(figsize=(WIDTH_IN, 1.2 + 0.24 * len(first)), layout="constrained")
        ratios = (1.5, *[1.0] * len(bars))
        left, *others = figure.subplots(1, 1 + len(bars), sharey=True, width_ratios=ratios)
        places = range(len(first))
        floor = _floor(bars)
        real = [max(bar.real, floor) for bar in first]
        left.plot(
            real, places, linestyle="", marker="|", markersize=11, markeredgewidth=2, color=INK["real"], label="real"
        )
        for number, (name, found) in enumerate(bars.items()):
            areas = [max(bar.generated, floor) for bar in found]
            left.plot(
                areas, places, linestyle="", marker=MARKERS[number % len(MARKERS)], markersize=4, alpha=0.9,
                color=COLOURS[number % len(COLOURS)], label=name,
            )  # fmt: skip
        left.set_xscale("log")
        left.set_xlim(left=floor)
        left.xaxis.set_major_formatter(FuncFormatter(percent))
        left.set_xlabel("mean area of the image")
        left.set_yticks(list(places), [bar.name for bar in first])
        left.set_ylim(len(first) - 0.4, -0.6)
        for axes, (name, found) in zip(others, bars.items(), strict=True):
            for at, bar in zip(places, found, strict=True):
                difference(axes, at, bar, MOST_UP, upright=False, stated=True)
            axes.set_xlim(-1.08, MOST_UP * 1.04)
            axes.axvline(0, color=INK["faint"], linewidth=0.6)
            axes.xaxis.set_major_formatter(FuncFormatter(signed))
            axes.set_xticks([-1, 0, 1])
            axes.set_title(name, size=8)
        others[len(others) // 2].set_xlabel("relative difference to the real area")
        for axes in (left, *others):
            axes.xaxis.grid(True)
            axes.set_axisbelow(True)
            axes.tick_params(axis="y", length=0, labelcolor=INK["ink"])
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=1 + len(bars))
        _verdicts(figure, bars)
    return figure


def falling(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Distance over real images shown, one line per generator, on a logarithmic axis."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN * 0.62, 2.6), layout="constrained")
        axes = figure.subplots()
        for number, (name, (images, distances)) in enumerate(curves.items()):
            axes.plot(
                images, distances, color=COLOURS[number % len(COLOURS)], linestyle=LINES[number % len(LINES)],
                linewidth=1.2, marker=MARKERS[number % len(MARKERS)], markersize=3, label=name,
            )  # fmt: skip
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else ""))
        axes.set_xlim(left=0)
        axes.set(xlabel="real images shown", ylabel="FSD")
        axes.yaxis.grid(True)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _verdicts(figure: Figure, bars: Mapping[str, Sequence[ClassBar]]) -> None:
    """The colours of the differences, under the figure."""
    present = [
        verdict for verdict in VERDICTS if any(bar.verdict == verdict for found in bars.values() for bar in found)
    ]
    handles = [Patch(facecolor=VERDICTS[name], edgecolor=INK["faint"], linewidth=0.6) for name in present]
    figure.legend(handles, present, loc="outside lower right", ncols=len(present), handlelength=1.2, columnspacing=1.6)


def _floor(bars: Mapping[str, Sequence[ClassBar]]) -> float:
    """Foot of the axis in percent: half the smallest area that any draws, not under 0.001 %."""
    areas = [area for found in bars.values() for bar in found for area in (bar.real, bar.generated) if area > 0]
    return max(min(areas, default=1.0) / 2, 1e-3)
