"""An inverted photo as a strip for papers: photo, reconstruction, both label maps, lost region."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from PIL import Image

from lacuna.figures.colours import hex_colour
from lacuna.figures.segmentations import Colours
from lacuna.figures.style import INK, WIDTH_IN, drawing

COLUMNS = ("photo", "reconstruction", "classes of photo", "classes of reconstruction", "lost")


def strips(rows: Sequence[Sequence[Image.Image]], captions: Sequence[str], colours: Colours) -> Figure:
    """One row a photo with the five pictures of `COLUMNS`, its caption below, and one legend for all.

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
                parse_math=False, in_layout=False,
            )  # fmt: skip
        handles = [Patch(facecolor=hex_colour(rgb), edgecolor=INK["faint"]) for rgb in colours.values()]
        legend = figure.legend(handles, list(colours), loc="outside lower center", ncols=8, handlelength=1.0)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure
