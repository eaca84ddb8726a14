"""Pictures inside the page: data addresses, as small as they get."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOSSLESS_PX = 128  # images up to this side are shown enlarged, so every pixel counts


def data_address(picture: Image.Image | NDArray[np.uint8], lossless: bool | None = None) -> str:
    """A `data:` address: label maps as PNG, pictures as WebP; small ones are lossless unless said otherwise."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    if image.mode == "P":
        image.save(buffer, format="PNG", optimize=True)
        kind = "png"
    else:
        kind = "webp"
        if max(image.size) <= LOSSLESS_PX if lossless is None else lossless:
            image.save(buffer, format="WEBP", lossless=True, quality=80, method=4)
        else:
            image.save(buffer, format="WEBP", quality=88, method=4)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def text_address(table: str) -> str:
    """A `data:` address of a TSV."""
    return f"data:text/tab-separated-values;base64,{base64.b64encode(table.encode()).decode()}"
