"""Curves: a loss as it falls."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lacuna.report.figures.style import INK, WIDTH_IN, drawing

COLOURS = ("#2f6db0", "#c8551b", "#3d8f6a", "#8a4fa3", "#8c6d1f", "#b3405e", "#4b9cc0", "#5c6470", "#a0582c", "#36807f")
FEW = 12  # points that are drawn as such
LINES = ("-", "--", "-.", ":")


def training(panels: Mapping[str, tuple[Sequence[float], Sequence[float]]], x_label: str) -> Figure:
    """Small panels, one a quantity, each on a logarithmic axis where all values are positive.

    Args:
        panels: title -> (x, y).
    """
    columns = 3 if len(panels) in (3, 5, 6) else min(4, len(panels))
    rows = math.ceil(len(panels) / columns)
    with drawing():
        figure = Figure(figsize=(WIDTH_IN * max(columns, 3) / 4, 1.55 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, (title, (x, y)) in zip(grid.flat, panels.items(), strict=False):
            axes.plot(x, y, color=INK["real"], linewidth=1.2, marker="o" if len(x) <= FEW else "", markersize=2.5)
            positive = [value for value in y if value > 0]
            if positive and min(y) > 0 and max(positive) > 20 * min(positive):
                axes.set_yscale("log")
            axes.set_title(title, size=8)
            axes.xaxis.set_major_locator(MaxNLocator(3))
            axes.yaxis.grid(True)
        figure.supxlabel(x_label, size=8, color=INK["faint"])
    return figure


def sparkline(values: Sequence[float], width: float = 72, height: float = 16) -> str:
    """SVG path of a falling loss, drawn on a logarithmic scale into `width` x `height`; empty for under two values."""
    finite = [math.log(value) for value in values if math.isfinite(value) and value > 0]
    if len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    step = width / (len(finite) - 1)
    points = (f"{at * step:.1f} {height - (value - low) / span * height:.1f}" for at, value in enumerate(finite))
    return "M" + " L".join(points)
