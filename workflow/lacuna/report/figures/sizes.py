"""How the distance falls with the number of images, beside what real images are from each other.

Source: Bau et al. 2019, arXiv:1910.11626, figure 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lacuna.report.figures.style import INK, VERDICTS, drawing


@dataclass(frozen=True)
class SizePoint:
    """Mean distance at a number of images, and that of real images from real images where there are enough."""

    num_images: int
    fsd: float
    baseline: float | None


def sensitivity(points: Sequence[SizePoint], limit: tuple[float, float, float] | None) -> Figure:
    """Distance against number of images; the limit at endlessly many with its interval as a band.

    Args:
        limit: value, low and high; None where it was not estimated.
    """
    points = sorted(points, key=lambda point: point.num_images)
    own = [(point.num_images, point.baseline) for point in points if point.baseline is not None]
    with drawing():
        figure = Figure(figsize=(4.6, 2.7), layout="constrained")
        axes = figure.subplots()
        counts = [point.num_images for point in points]
        axes.plot(counts, [point.fsd for point in points], "o-", color=VERDICTS["omitted"], markersize=4,
                  label="generated against real")  # fmt: skip
        if own:
            axes.plot(*zip(*own, strict=True), "s--", color=INK["real"], markersize=4, label="real against real")
        if limit:
            value, low, high = limit
            axes.axhspan(max(low, 0), max(high, 0), color=INK["rule"], zorder=0)
            axes.axhline(value, color=INK["faint"], linewidth=1, label="endlessly many images, with interval")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(counts))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}".replace(",", "\N{THIN SPACE}")))
        axes.set_ylim(bottom=0)
        axes.yaxis.grid(True)
        axes.set_axisbelow(True)
        axes.set_xlabel("images per side")
        axes.set_ylabel("FSD")
        figure.legend(loc="outside upper center", ncols=2)
    return figure
