"""From the bytes of an image file to the pixels that a network sees: the only resize path.

Shape suffixes: N images, H height, W width.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lacuna.kit.errors import UserError

RESIZE = "PIL bilinear, shorter side, centre crop"
SMALLEST_SIDE_PX = 8  # below this nothing can be recognised, so the image is skipped and named
Image.MAX_IMAGE_PIXELS = 100_000_000  # larger ones (PIL raises above twice this) are skipped and named


@dataclass(frozen=True)
class Preparation:
    """What is done to an image, in this order.

    Attributes:
        size: side in pixels that all images end at; None leaves them as they are.
        jpeg_quality: the image goes through JPEG at this quality (PIL's scale, chroma halved), as real photos did.
        resolution: side that it is brought to before `size`, so that sources of different resolutions can be compared.
        boxes: `resolution` is reached by the means of boxes of pixels, as a training reduces images; it then divides
            the image's side.
    """

    size: int | None
    jpeg_quality: int | None = None
    resolution: int | None = None
    boxes: bool = False

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


def decode(data: bytes) -> Image.Image:
    """An image file as 8-bit RGB: upright, 16 bits scaled to 8, grey, palette and CMYK converted, alpha dropped."""
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
    if min(image.size) < SMALLEST_SIDE_PX:
        raise UserError(f"{image.width} x {image.height} pixels, expected at least {SMALLEST_SIDE_PX} a side")
    if image.mode.startswith("I"):  # 16-bit grey: PIL's own conversion would clip at 255
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = Image.fromarray((values // 257).astype(np.uint8))
    return image.convert("RGB")


def fit(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8: shorter side brought to `size`, then the centre; Python's rounding, as published.

    PIL's antialiased bilinear filter, as torchvision's Resize and CenterCrop do.
    """
    short, long = sorted(image.size)
    if short != size:
        scaled = int(size * long / short)
        shape = (size, scaled) if image.width <= image.height else (scaled, size)
        image = image.resize(shape, Image.Resampling.BILINEAR)
    left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
    return np.asarray(image.crop((left, top, left + size, top + size)))
