"""Figures about the classes of conditional generators: accuracy over resolution, similarity, and the two together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lacuna.report.figures.curves import COLOURS, LINES
from lacuna.report.figures.style import INK, VERDICTS, WIDTH_IN, drawing

PANEL_PT = (235.0, 190.0)  # about the size of a panel of `diversity`
LABEL_PT = (4.2, 8.0)  # of a letter of a name, and of its line
MOST_NAMED = 40  # classes


@dataclass(frozen=True)
class Curve:
    """Accuracy at some resolutions, with its spread over subsets of images."""

    name: str
    resolution: Sequence[int]
    accuracy: Sequence[float]
    std: Sequence[float]


@dataclass(frozen=True)
class ClassPoint:
    """One class of one generator."""

    name: str
    real_similarity: float
    similarity: float
    accuracy: float


def accuracy(curves: Sequence[Curve]) -> Figure:
    """Accuracy over resolution, one line per source; bars are one standard deviation."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN * 0.62, 2.6), layout="constrained")
        axes = figure.subplots()
        for number, curve in enumerate(curves):
            colour = INK["real"] if number == 0 else COLOURS[(number - 1) % len(COLOURS)]
            axes.errorbar(
                curve.resolution, curve.accuracy, yerr=curve.std, color=colour, linewidth=1.2, marker="o",
                markersize=3, elinewidth=0.8, linestyle=LINES[number % len(LINES)], label=curve.name,
            )  # fmt: skip
        shown = sorted({resolution for curve in curves for resolution in curve.resolution})
        axes.set_xscale("log", base=2)
        axes.set_xticks(shown, [str(resolution) for resolution in shown])
        axes.minorticks_off()
        axes.set_ylim(0, 1.03)
        axes.set(xlabel="resolution in pixels", ylabel="accuracy")
        axes.yaxis.grid(True)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def diversity(points: Sequence[ClassPoint], threshold: float) -> Figure:
    """Two panels: similarity within generated classes against that within real ones; accuracy against similarity."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        real = np.array([point.real_similarity for point in points])
        generated = np.array([point.similarity for point in points])
        everything = np.concatenate([real, generated, [threshold]])
        margin = 0.15 * float(np.ptp(everything)) + 0.01
        seen = (everything.min() - margin, everything.max() + margin)
        left.plot(seen, seen, color=INK["rule"], linewidth=0.8, zorder=0)
        left.axhline(threshold, color=VERDICTS["omitted"], linewidth=0.8, linestyle="--")
        left.set(xlim=seen, ylim=seen, xlabel="MS-SSIM of real pairs", ylabel="MS-SSIM of generated pairs")
        _points(left, real, generated, points, threshold)
        right.axvline(threshold, color=VERDICTS["omitted"], linewidth=0.8, linestyle="--")
        right.set(xlim=seen, ylim=(-0.04, 1.08), xlabel="MS-SSIM of generated pairs", ylabel="accuracy")
        _points(right, generated, np.array([point.accuracy for point in points]), points, threshold)
    return figure


def class_counts(series: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """Similarity within each class that several generators share, over the number of classes that they learnt."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN * 0.62, 2.6), layout="constrained")
        axes = figure.subplots()
        for number, (name, points) in enumerate(series.items()):
            x, y = zip(*points, strict=True)
            style = LINES[number % len(LINES)]
            axes.plot(x, y, color=COLOURS[number % len(COLOURS)], marker="o", markersize=3, linestyle=style, label=name)
        counts = sorted({count for points in series.values() for count, _ in points})
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_ylim(bottom=0)
        axes.set(xlabel="classes learnt", ylabel="MS-SSIM of pairs")
        axes.yaxis.grid(True)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, points: Sequence[ClassPoint], threshold: float) -> None:
    colours = [VERDICTS["omitted"] if point.similarity >= threshold else INK["real"] for point in points]
    axes.scatter(x, y, s=14, c=colours, linewidths=0)
    if len(points) <= MOST_NAMED:
        names = [point.name for point in points]
        across = np.interp(x, axes.get_xlim(), (0, PANEL_PT[0]))
        up = np.interp(y, axes.get_ylim(), (0, PANEL_PT[1]))
        for name, one, other, shift in zip(names, x, y, downwards(across, up, names), strict=True):
            line = {"arrowstyle": "-", "color": INK["rule"], "linewidth": 0.6} if shift < -LABEL_PT[1] / 2 else None
            axes.annotate(name, (one, other), xytext=(6, shift), textcoords="offset points", size=7, va="center",
                          arrowprops=line)  # fmt: skip


def downwards(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> list[float]:
    """How far below its point each name goes, in points, so that no two names lie on each other."""
    shifts = [0.0] * len(names)
    placed: list[tuple[float, float, float]] = []
    for number in np.argsort(-y, kind="stable"):
        first, last, height = x[number], x[number] + LABEL_PT[0] * len(names[number]) + 6, y[number]
        for left, right, taken in placed:
            if first < right and left < last:
                height = min(height, taken - LABEL_PT[1])
        placed.append((first, last, height))
        shifts[number] = float(height - y[number])
    return shifts
