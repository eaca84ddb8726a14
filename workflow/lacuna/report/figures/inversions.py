"""Inverted images for papers: one strip per photo with what it lost, and the methods side by side.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from lacuna.report.figures.colours import hex_colour
from lacuna.report.figures.segmentations import Colours
from lacuna.report.figures.style import INK, WIDTH_IN, drawing

COLUMNS = ("photo", "reconstruction", "classes of photo", "classes of reconstruction", "lost")


def strips(rows: Sequence[Sequence[Image.Image]], captions: Sequence[str], colours: Colours) -> Figure:
    """One row per photo with the five pictures of `COLUMNS`, its caption below, and one legend for all.

    Args:
        colours: of the classes to name in the legend.
    """
    with drawing():
        height = 2.1 * len(rows) + 0.3 + 0.2 * -(-len(colours) // 8)
        layout = ConstrainedLayoutEngine(h_pad=0.12)  # inches: room for a caption under each row
        figure = Figure(figsize=(WIDTH_IN, height), layout=layout)
        grid = figure.subplots(len(rows), len(COLUMNS), squeeze=False)
        for number, (pictures, caption) in enumerate(zip(rows, captions, strict=True)):
            for axes, picture, title in zip(grid[number], pictures, COLUMNS, strict=True):
                axes.imshow(picture.convert("RGB"), interpolation="nearest")
                axes.set_axis_off()
                if number == 0:
                    axes.set_title(title, size=7.5)
            grid[number][0].text(
                0, -0.04, caption, transform=grid[number][0].transAxes, va="top", size=7, color=INK["faint"],
                in_layout=False,
            )  # fmt: skip
        handles = [Patch(facecolor=hex_colour(rgb), edgecolor=INK["faint"]) for rgb in colours.values()]
        figure.legend(handles, list(colours), loc="outside lower center", ncols=8, handlelength=1.0)
    return figure


def methods_figure(pictures: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """One row per image, one column per entry of `pictures` (N, H, W, 3): the target, then what each method made of it.

    Source:
        Bau et al. 2019, arXiv:1910.11626, figure 6.
    """
    rows = len(next(iter(pictures.values())))
    with drawing():
        side = WIDTH_IN / len(pictures)
        figure = Figure(figsize=(WIDTH_IN, side * rows + 0.3), layout=ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.02))
        grid = figure.subplots(rows, len(pictures), squeeze=False)
        for column, (title, images_NHW3) in enumerate(pictures.items()):
            grid[0][column].set_title(title, size=8)
            for row, image_HW3 in enumerate(images_NHW3):
                grid[row][column].imshow(image_HW3, interpolation="nearest")
                grid[row][column].set_axis_off()
    return figure
