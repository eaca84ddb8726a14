"""Figures about the classes of conditional generators: accuracy over resolution, similarity, and the two together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from lacuna.figures.curves import COLOURS, LINES
from lacuna.figures.style import INK, VERDICTS, WIDTH_IN, drawing


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
    """Accuracy over resolution, a line a source; bars are one standard deviation."""
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
        _plain(figure)
    return figure


def diversity(points: Sequence[ClassPoint], threshold: float) -> Figure:
    """Two panels: similarity within generated classes against that within real ones; accuracy against similarity."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        real = np.array([point.real_similarity for point in points])
        generated = np.array([point.similarity for point in points])
        most = 1.08 * max(real.max(), generated.max(), threshold)
        left.plot([0, most], [0, most], color=INK["rule"], linewidth=0.8, zorder=0)
        left.axhline(threshold, color=VERDICTS["omitted"], linewidth=0.8, linestyle="--")
        left.set(xlim=(0, most), ylim=(0, most), xlabel="MS-SSIM of real pairs", ylabel="MS-SSIM of generated pairs")
        _points(left, real, generated, points, threshold)
        right.axvline(threshold, color=VERDICTS["omitted"], linewidth=0.8, linestyle="--")
        right.set(xlim=(0, most), ylim=(-0.04, 1.08), xlabel="MS-SSIM of generated pairs", ylabel="accuracy")
        _points(right, generated, np.array([point.accuracy for point in points]), points, threshold)
        _plain(figure)
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
        _plain(figure)
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, points: Sequence[ClassPoint], threshold: float) -> None:
    colours = [VERDICTS["omitted"] if point.similarity >= threshold else INK["real"] for point in points]
    axes.scatter(x, y, s=14, c=colours, linewidths=0)
    if len(points) <= 40:
        for one, other, point in zip(x, y, points, strict=True):
            axes.annotate(point.name, (one, other), xytext=(3, 3), textcoords="offset points", size=7)


def _plain(figure: Figure) -> None:
    for text in figure.findobj(Text):
        text.set_parse_math(False)
