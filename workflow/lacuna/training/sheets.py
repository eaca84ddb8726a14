"""Sheets of sample images.

Shape suffixes: N images, H height, W width.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lacuna.formats import files


def write(path: str | Path, images_NHW3: NDArray[np.uint8], side: int) -> None:
    """A PNG of all images in rows, each enlarged to at least `side` pixels without smoothing."""
    N, size = images_NHW3.shape[:2]
    columns = math.isqrt(N - 1) + 1
    blank = np.full((-N % columns, *images_NHW3.shape[1:]), 255, np.uint8)
    tiles = np.concatenate([images_NHW3, blank]).repeat(-(-side // size), 1).repeat(-(-side // size), 2)
    rows, height, width = len(tiles) // columns, *tiles.shape[1:3]
    sheet = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    with files.atomic(path) as partial:
        Image.fromarray(sheet).save(partial, format="PNG")
