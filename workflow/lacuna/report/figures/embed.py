"""Pictures inside the page: data addresses, as small as they get."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOSSLESS_PX = 128  # images up to this side are shown enlarged, so every pixel counts


def encoded(picture: Image.Image, lossless: bool | None = None) -> tuple[bytes, str]:
    """A picture as bytes, and their kind: label maps as PNG, others as WebP; small ones are lossless unless said."""
    buffer = io.BytesIO()
    if picture.mode == "P":
        picture.save(buffer, format="PNG", optimize=True)
        return buffer.getvalue(), "png"
    if max(picture.size) <= LOSSLESS_PX if lossless is None else lossless:
        picture.save(buffer, format="WEBP", lossless=True, quality=80, method=4)
    else:
        picture.save(buffer, format="WEBP", quality=88, method=4)
    return buffer.getvalue(), "webp"


def data_address(picture: Image.Image | NDArray[np.uint8], lossless: bool | None = None) -> str:
    """A `data:` address of a picture."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    content, kind = encoded(image, lossless)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def text_address(table: str) -> str:
    """A `data:` address of a TSV."""
    return f"data:text/tab-separated-values;base64,{base64.b64encode(table.encode()).decode()}"
