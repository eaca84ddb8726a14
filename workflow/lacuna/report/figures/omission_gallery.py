"""What single images lost of one class, as one picture: one row per image, large enough to look at.

Shape suffixes: H height, W width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lacuna.report.figures.segmentations import Colours, label_picture, lost_picture

TITLES = ("photo", "reconstruction", "classes of photo", "classes of reconstruction", "region lost")
SIDE = 128  # pixels at least that a picture is shown at
GAP, LINE = 6, 16  # pixels
INK, FAINT, PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)


@dataclass(frozen=True)
class Row:
    """One image; `lost_HW` is where it shows the class and its reconstruction another."""

    x_HW3: NDArray[np.uint8]
    x_hat_HW3: NDArray[np.uint8]
    labels_photo_HW: NDArray[np.integer]
    labels_reconstruction_HW: NDArray[np.integer]
    lost_HW: NDArray[np.bool_]
    caption: str


def class_gallery(
    headline: Sequence[str], rows: Sequence[Row], classes: Sequence[str], colours: Colours
) -> Image.Image:
    """The headline's lines, the rows with their captions, and the colours of the classes that they show."""
    side = max(SIDE, rows[0].x_HW3.shape[1])
    width = len(TITLES) * (side + GAP) + GAP
    labels = np.unique([(row.labels_photo_HW, row.labels_reconstruction_HW) for row in rows])
    legend = _legend_lines([classes[int(label)] for label in labels], width)
    top = GAP + LINE * (len(headline) + 1)
    page = Image.new("RGB", (width, top + len(rows) * (side + LINE + GAP) + LINE * (len(legend) + 1)), PAPER)
    draw = ImageDraw.Draw(page)
    draw.font = ImageFont.load_default(11)
    for number, line in enumerate(headline):
        draw.text((GAP, GAP + LINE * number), line, fill=INK)
    for column, title in enumerate(TITLES):
        draw.text((GAP + column * (side + GAP), top - LINE), title, fill=FAINT)
    for number, row in enumerate(rows):
        y = top + number * (side + LINE + GAP)
        for column, picture in enumerate(_pictures(row, classes, colours)):
            page.paste(_enlarged(picture, side), (GAP + column * (side + GAP), y))
        draw.text((GAP, y + side + 1), row.caption, fill=FAINT)
    for number, names in enumerate(legend):
        _draw_legend(draw, names, page.height - LINE * (len(legend) - number), colours)
    return page


def _pictures(row: Row, classes: Sequence[str], colours: Colours) -> list[Image.Image]:
    return [
        Image.fromarray(row.x_HW3),
        Image.fromarray(row.x_hat_HW3),
        label_picture(row.labels_photo_HW, classes, colours),
        label_picture(row.labels_reconstruction_HW, classes, colours),
        lost_picture(row.x_HW3, row.lost_HW),
    ]


def _enlarged(picture: Image.Image, side: int) -> Image.Image:
    return picture.convert("RGB").resize((side, side), Image.Resampling.NEAREST)


def _legend_lines(names: Sequence[str], width: int) -> list[list[str]]:
    """The names, broken into lines that fit."""
    lines: list[list[str]] = [[]]
    for name in names:
        if lines[-1] and GAP + sum(map(_entry_width, [*lines[-1], name])) > width:
            lines.append([])
        lines[-1].append(name)
    return lines


def _entry_width(name: str) -> int:
    return 2 * LINE + int(ImageFont.load_default(11).getlength(name))


def _draw_legend(draw: ImageDraw.ImageDraw, names: Sequence[str], y: int, colours: Colours) -> None:
    x = GAP
    for name in names:
        draw.rectangle((x, y + 2, x + LINE - 6, y + LINE - 5), fill=colours[name], outline=FAINT)
        draw.text((x + LINE, y), name, fill=INK)
        x += _entry_width(name)
