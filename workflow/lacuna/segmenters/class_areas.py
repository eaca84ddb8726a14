"""From a segmenter's label maps to class areas in pixels: what `segment` writes, and what `follow` measures.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError
from lacuna.segmenters.segmenter import Segmenter


def areas_of(
    segmenter: Segmenter, images_NHW3: NDArray[np.uint8], heads: Sequence[str], rows: slice
) -> NDArray[np.int64]:
    """Areas (N, C) of some of the images."""
    labels = segmenter.label_maps(images_NHW3[rows], heads)
    return torch.cat(list(counted(labels, segmenter.classes, heads)), dim=1).cpu().numpy()


def counted(
    labels: Mapping[str, Tensor], classes: Mapping[str, Sequence[str]], heads: Sequence[str]
) -> Iterator[Tensor]:
    """Areas (N, C) of each head; the column '-' of the parts is left out, as most of the image would be in it."""
    for head in heads:
        area_NC = class_areas(labels[head], len(classes[head]))
        yield area_NC[:, 1:] if head == "part" else area_NC


def class_areas(labels_NHW: Tensor, num_classes: int) -> Tensor:
    """Pixels that each class covers.

    Args:
        labels_NHW: class of each pixel, integer in [0, num_classes).

    Returns:
        (N, C) int64; each row sums to H * W.

    Raises:
        UserError: a label is out of range.

    Source:
        Bau et al. 2019, arXiv:1910.11626, section 3.1.
    """
    if labels_NHW.min() < 0 or labels_NHW.max() >= num_classes:
        low, high = (int(label) for label in labels_NHW.aminmax())
        raise UserError(f"labels span {low} to {high}, expected 0 to {num_classes - 1}; labels of another segmenter?")
    count = len(labels_NHW)
    image_N11 = torch.arange(count, device=labels_NHW.device).view(-1, 1, 1)
    return (image_N11 * num_classes + labels_NHW).flatten().bincount(minlength=count * num_classes).view(count, -1)
