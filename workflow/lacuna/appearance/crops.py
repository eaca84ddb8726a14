"""Pictures of single regions, to be looked at: a square around each, and its mask.

Shape suffixes: H height, W width, S side of the square.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import find_objects

MARGIN = 0.25  # of the region's longer side, around it
LEAST_SIDE = 16  # pixels; a smaller square says nothing of where a region is
MOST_SIDE = 64  # larger squares are reduced to this
QUALITY = 90


@dataclass(frozen=True)
class Crop:
    """A region as a picture: JPEG of the square around it, PNG of its mask, both of one size."""

    picture: bytes
    mask: bytes

    def opened(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Picture (S, S, 3) and mask (S, S)."""
        picture, mask = (np.asarray(Image.open(io.BytesIO(data))) for data in (self.picture, self.mask))
        return picture, mask > 0


def crop(image_HW3: NDArray[np.uint8], mask_HW: NDArray[np.bool_]) -> Crop:
    """The square around a region, its margin included, within the image."""
    window = square(mask_HW)
    picture, mask = Image.fromarray(image_HW3[window]), Image.fromarray(mask_HW[window])
    if max(picture.size) > MOST_SIDE:
        picture = picture.resize((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
        mask = mask.resize((MOST_SIDE, MOST_SIDE), Image.Resampling.NEAREST)
    return Crop(_encoded(picture, "JPEG", quality=QUALITY, subsampling=0), _encoded(mask, "PNG"))


def square(mask_HW: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the square around a region, as large as the image has room for."""
    box = find_objects(mask_HW.astype(np.uint8))[0]
    longest = max(span.stop - span.start for span in box)
    side = min(max(round(longest * (1 + 2 * MARGIN)), LEAST_SIDE), *mask_HW.shape)
    starts = (
        min(max((span.start + span.stop - side) // 2, 0), whole - side)
        for span, whole in zip(box, mask_HW.shape, strict=True)
    )
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
