"""What an image and its reconstruction show, pixel by pixel.

Shape suffixes: N images, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray

from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.segmenters.segmenter import Segmenter


def object_maps(segmenter: Segmenter, images_NHW3: NDArray[np.uint8], batch_size: int) -> NDArray[np.uint16]:
    """Object labels (N, H, W) of images."""

    def labels_of(rows: slice) -> NDArray[np.uint16]:
        labels_NHW = segmenter.label_maps(images_NHW3[rows], ("object",))["object"]
        return labels_NHW.cpu().numpy().astype(np.uint16)

    return np.concatenate(list(in_batches(labels_of, len(images_NHW3), BatchSize(batch_size))))


def lost_mask(photo_NHW: NDArray[np.uint16], reconstruction_NHW: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where an object of the photo is something else in the reconstruction: (N, H, W)."""
    return (photo_NHW != reconstruction_NHW) & (photo_NHW > 0)
