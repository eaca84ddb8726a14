"""Label maps as pictures, and the region of a photo that its reconstruction lost.

Shape suffixes: H height, W width.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Colours = Mapping[str, tuple[int, int, int]]
LINE_EVERY = 170  # pixels of an image's side for which the line laid over it grows by one to each side
PALE = 0.82  # how far what was not lost fades towards grey paper
PAPER = 236.0
EDGE = (224, 33, 138)  # outline of the lost region, a colour that scenes seldom have


def label_picture(labels_HW: NDArray[np.integer], classes: Sequence[str], colours: Colours) -> Image.Image:
    """A label map in the colours of its classes, as a palette image: lossless and small."""
    present, places = np.unique(labels_HW, return_inverse=True)
    assert len(present) <= 256, "a palette image holds 256 colours"
    picture = Image.fromarray(places.reshape(labels_HW.shape).astype(np.uint8), mode="P")
    picture.putpalette([channel for label in present for channel in colours[classes[int(label)]]])
    return picture


def lost_picture(photo_HW3: NDArray[np.uint8], lost_HW: NDArray[np.bool_]) -> Image.Image:
    """The photo where something was lost; the rest faded, with a line between."""
    grey_HW1 = photo_HW3.mean(axis=2, keepdims=True)
    faded_HW3 = np.repeat(grey_HW1 * (1 - PALE) + PAPER * PALE, 3, axis=2)
    picture_HW3 = np.where(lost_HW[..., None], photo_HW3, faded_HW3).astype(np.uint8)
    picture_HW3[outline(lost_HW)] = EDGE
    return Image.fromarray(picture_HW3)


def outline_picture(lost_HW: NDArray[np.bool_]) -> Image.Image:
    """The line around the region alone, on nothing: to be laid over a photo of any size."""
    width = 2 * (max(lost_HW.shape) // LINE_EVERY) + 1
    line_HW = _filtered(outline(lost_HW), ImageFilter.MaxFilter(width))
    picture = Image.fromarray(line_HW.astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, *EDGE])
    picture.info["transparency"] = 0
    return picture


def outline(region_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The line around a region; gaps of a pixel or two, as in a fence, are not traced."""
    closed_HW = _filtered(_filtered(region_HW, ImageFilter.MaxFilter(3)), ImageFilter.MinFilter(3)) | region_HW
    return _filtered(closed_HW, ImageFilter.MaxFilter(3)) & ~closed_HW


def _filtered(region_HW: NDArray[np.bool_], window: ImageFilter.RankFilter) -> NDArray[np.bool_]:
    """The region grown (largest value of a 3 x 3 window) or shrunk (smallest)."""
    return np.asarray(Image.fromarray(region_HW.astype(np.uint8)).filter(window)).astype(bool)
