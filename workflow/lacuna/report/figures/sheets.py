"""Contact sheets. Shape suffixes: N images, H height, W width."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from lacuna.report.figures.style import WIDTH_IN, drawing

GAP = 2  # transparent pixels between images
MOST_PX = 1024  # longest side of a sheet; larger images are shrunk to fit


def sheet(images_NHW3: NDArray[np.uint8], columns: int = 8) -> Image.Image:
    """The images row by row on one picture with transparent gaps."""
    count, height, width = images_NHW3.shape[:3]
    rows = -(-count // columns)
    shrink = min(1.0, MOST_PX / (max(rows, columns) * max(height, width)))
    tall, wide = max(1, round(height * shrink)), max(1, round(width * shrink))
    canvas = Image.new("RGBA", (columns * (wide + GAP) - GAP, rows * (tall + GAP) - GAP), (0, 0, 0, 0))
    for number, image in enumerate(images_NHW3):
        picture = Image.fromarray(image)
        if shrink < 1:
            picture = picture.resize((wide, tall), Image.Resampling.LANCZOS)
        row, column = divmod(number, columns)
        canvas.paste(picture, (column * (wide + GAP), row * (tall + GAP)))
    return canvas


def framed(picture: Image.Image) -> Figure:
    """A sheet as a figure for papers."""
    with drawing():
        figure = Figure(figsize=(WIDTH_IN / 2, WIDTH_IN / 2 * picture.height / picture.width))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(picture, interpolation="none", aspect="auto")
        axes.set_axis_off()
    return figure
