"""From an image to the pixels that a network sees: the only resize path. What a file means is in decoding.

Shape suffixes: N images, H height, W width.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lacuna.errors import UserError

RESIZE = "PIL bilinear, shorter side, centre crop"
LONGEST = 16  # times the shorter side: of longer images only the middle is resized, which would else fill memory


@dataclass(frozen=True)
class Preparation:
    """What is done to an image, in this order.

    Attributes:
        size: side in pixels that all images end at; None leaves them as they are.
        jpeg_quality: the image goes through JPEG at this quality (PIL's scale, chroma halved), as real photos did.
        resolution: side that it is brought to before `size`, so that sources of different resolutions can be compared.
        boxes: `resolution` is reached by the means of boxes of pixels, as a training reduces images; it then divides
            the image's side.
        ground: color below transparent pixels of files.
    """

    size: int | None
    jpeg_quality: int | None = None
    resolution: int | None = None
    boxes: bool = False
    ground: str = "white"

    @classmethod
    def of(cls, settings: Mapping[str, Any], size: int) -> Self:
        """What segment's settings say; `size` is what images end at where they name none."""
        source = settings.get("source", {})
        return cls(
            settings.get("size") or size, source.get("jpeg_quality"), source.get("size"), source.get("boxes", False),
            source.get("background", "white"),
        )  # fmt: skip

    @property
    def text(self) -> str:
        """The same in words, for the attributes of a file."""
        jpeg = f"JPEG at quality {self.jpeg_quality}; " if self.jpeg_quality is not None else ""
        if self.boxes:
            jpeg += f"means of boxes, to {self.resolution} pixels; then "
        sides = [str(side) for side in (None if self.boxes else self.resolution, self.size) if side is not None]
        return f"{jpeg}{RESIZE}, to {', then '.join(sides)} pixels" if sides else f"{jpeg}not resized"

    def resolution_of(self, image: Image.Image) -> int:
        """Shorter side in pixels before the image is brought to the final size: the detail that it can have."""
        return min(image.size) if self.resolution is None else min(*image.size, self.resolution)

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """(H, W, 3) uint8."""
        if self.size is not None or self.resolution is not None:
            image = trimmed(image)
        if self.jpeg_quality is not None:
            data = io.BytesIO()
            image.save(data, "JPEG", quality=self.jpeg_quality, subsampling="4:2:0")
            image = Image.open(data)
        if self.resolution is not None:
            image = boxed(image, self.resolution) if self.boxes else Image.fromarray(fit(image, self.resolution))
        return fit(image, self.size) if self.size is not None else np.asarray(image)


def boxed(image: Image.Image, size: int) -> Image.Image:
    """(size, size) of a square image: each pixel the mean of the box that it covers."""
    if image.width != image.height or image.width % size:
        raise UserError(
            f"image of {image.width} x {image.height} pixels, expected a square of a multiple of {size} pixels, as "
            "`seen_at` needs it; give another"
        )
    return image.reduce(image.width // size)


def fit(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8: shorter side brought to `size`, then the centre; Python's rounding, as published.

    PIL's antialiased bilinear filter, as torchvision's Resize and CenterCrop do.
    """
    image = trimmed(image)
    short, long = sorted(image.size)
    if short != size:
        scaled = int(size * long / short)
        shape = (size, scaled) if image.width <= image.height else (scaled, size)
        image = image.resize(shape, Image.Resampling.BILINEAR)
    left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
    return np.asarray(image.crop((left, top, left + size, top + size)))


def trimmed(image: Image.Image) -> Image.Image:
    """The middle of an image that is more than LONGEST times as long as it is wide; others as they are."""
    short, long = sorted(image.size)
    if long <= LONGEST * short:
        return image
    length = LONGEST // 2 * short
    start = (long - length) // 2
    if image.width > image.height:
        return image.crop((start, 0, start + length, image.height))
    return image.crop((0, start, image.width, start + length))
