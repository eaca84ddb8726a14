"""What an image and its reconstruction show, pixel by pixel.

Shape suffixes: N images, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray

from lacuna.models.segmenter import Segmenter


def object_maps(segmenter: Segmenter, images_NHW3: NDArray[np.uint8], batch_size: int) -> NDArray[np.uint16]:
    """Object labels (N, H, W) of images."""
    starts = range(0, len(images_NHW3), batch_size)
    maps = [segmenter.label_maps(images_NHW3[start : start + batch_size])["object"] for start in starts]
    return np.concatenate([labels_NHW.cpu().numpy().astype(np.uint16) for labels_NHW in maps])


def lost_mask(photo_NHW: NDArray[np.uint16], reconstruction_NHW: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where an object of the photo is something else in the reconstruction: (N, H, W)."""
    return (photo_NHW != reconstruction_NHW) & (photo_NHW > 0)
