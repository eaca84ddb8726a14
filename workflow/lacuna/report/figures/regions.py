"""Pictures of regions side by side, and of where a class is.

Shape suffixes: H height, W width, G cells along a side.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

TILE = 64  # pixels of a side
GAP = 3
AROUND = 0.6  # of the picture outside a region that is veiled
VEIL = np.array([128, 132, 140])
CELL = 5  # pixels of a cell of a map of places
SHARE, MORE, LESS = (np.array(colour) for colour in ((47, 52, 61), (58, 122, 186), (234, 154, 69)))
PAPER = np.array([244, 245, 247])
HEAD = 26  # pixels above each side of a contact sheet
Picture = tuple[NDArray[np.uint8], NDArray[np.bool_]]  # (H, W, 3), and the region's mask


def tile(picture_HW3: NDArray[np.uint8], mask_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A region at the size of a tile, what is around it veiled; pixels of small ones stay squares."""
    weight_HW1 = np.where(mask_HW, 0.0, AROUND)[..., None]
    seen = Image.fromarray((picture_HW3 * (1 - weight_HW1) + VEIL * weight_HW1).round().astype(np.uint8))
    return np.asarray(seen.resize((TILE, TILE), Image.Resampling.NEAREST))


def strip(pictures: Sequence[Picture], columns: int) -> Image.Image:
    """Regions row by row, with transparent gaps; a strip of `columns` tiles where there are fewer."""
    rows = max(1, -(-len(pictures) // columns))
    canvas = Image.new("RGBA", (columns * (TILE + GAP) - GAP, rows * (TILE + GAP) - GAP), (0, 0, 0, 0))
    for number, (picture_HW3, mask_HW) in enumerate(pictures):
        row, column = divmod(number, columns)
        canvas.paste(Image.fromarray(tile(picture_HW3, mask_HW)), (column * (TILE + GAP), row * (TILE + GAP)))
    return canvas


def contact_sheet(title: str, sides: Sequence[tuple[str, Sequence[Picture]]], columns: int = 8) -> Image.Image:
    """All pictures of both sides of a class, one beside the other, each under its name."""
    strips = [strip(pictures, columns) for _, pictures in sides]
    width = sum(one.width for one in strips) + 4 * GAP * (len(strips) + 1)
    sheet = Image.new("RGB", (width, max(one.height for one in strips) + 2 * HEAD + 2 * GAP), "white")
    brush, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    brush.text((4 * GAP, 5), title, fill=tuple(SHARE), font=font)
    left = 4 * GAP
    for (name, pictures), one in zip(sides, strips, strict=True):
        brush.text((left, HEAD + 3), f"{name}: {len(pictures)} random regions", fill=tuple(SHARE), font=font)
        sheet.paste(one, (left, 2 * HEAD), one)
        left += one.width + 4 * GAP
    return sheet


def places(real_GG: NDArray[np.floating], generated_GG: NDArray[np.floating]) -> list[Image.Image]:
    """Where a class is: real, generated, and their difference, blue where it is more and orange where less."""
    most = max(float(real_GG.max()), float(generated_GG.max()), 1e-12)
    shares = [_blend(side_GG / most, SHARE) for side_GG in (real_GG, generated_GG)]
    difference_GG = (generated_GG - real_GG) / most
    signed = np.where(difference_GG[..., None] > 0, _blend(difference_GG, MORE), _blend(-difference_GG, LESS))
    return [_enlarged(colours) for colours in (*shares, signed)]


def _blend(share_GG: NDArray[np.floating], colour: NDArray) -> NDArray[np.uint8]:
    weight = np.clip(share_GG, 0, 1)[..., None]
    return np.asarray((PAPER * (1 - weight) + colour * weight).round(), dtype=np.uint8)


def _enlarged(colours_GG3: NDArray[np.uint8]) -> Image.Image:
    side = len(colours_GG3) * CELL
    return Image.fromarray(colours_GG3).resize((side, side), Image.Resampling.NEAREST)
