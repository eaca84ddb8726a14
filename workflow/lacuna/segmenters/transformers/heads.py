"""From a network's outputs to scores of classes, as the library's own post-processing has them, an image at a time.

Semantic heads give the scores themselves. Mask heads give queries, each a mask and a guess at its class; a class's
score at a pixel is the sum over the queries of (probability of the class) x (probability of the mask), the guess
"nothing" left out. At which size the masks are taken differs from one architecture to the next.

Shape suffixes: N images, Q queries, K classes, h and w size of the masks, S side of the window.
Source: Cheng et al. 2021, arXiv:2107.06278, section 3.4, semantic inference.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

MASK2FORMER_SIDE = 384  # the library scales its masks to this, whatever the image's size


def query_scores(class_logits_QK: Tensor, mask_logits_Qhw: Tensor, side: int = 0) -> Tensor:
    """Scores (K, h, w) of one image, in float32 whatever the network computed in.

    Args:
        class_logits_QK: the last class is "nothing".
        side: pixels per side that the masks are brought to first; 0 leaves them.
    """
    class_logits_QK, mask_logits_Qhw = class_logits_QK.float(), mask_logits_Qhw.float()
    if side:
        mask_logits_Qhw = functional.interpolate(
            mask_logits_Qhw[None], size=(side, side), mode="bilinear", align_corners=False
        )[0]
    with torch.autocast(mask_logits_Qhw.device.type, enabled=False):
        return torch.einsum("qk,qhw->khw", class_logits_QK.softmax(dim=-1)[:, :-1], mask_logits_Qhw.sigmoid())


def window_starts(longer: int, side: int) -> list[int]:
    """Where windows of `side` begin along an image that is `longer` in one direction and `side` in the other."""
    count = math.ceil(longer / side)
    overlap = (count * side - longer) / (count - 1) if count > 1 else 0
    return [int(number * (side - overlap)) for number in range(count)]


def windows(x_N3HW: Tensor, side: int) -> Tensor:
    """The windows of equally large images, those of one image after another: (N * windows, 3, side, side)."""
    axis = 2 if x_N3HW.shape[2] > x_N3HW.shape[3] else 3
    starts = window_starts(x_N3HW.shape[axis], side)
    parts = [x_N3HW.narrow(axis, start, side) for start in starts]
    return torch.stack(parts, dim=1).flatten(0, 1)


def joined(scores: Sequence[Tensor], size: Sequence[int]) -> Tensor:
    """Scores (K, H, W) of one image from those (K, S, S) of its windows, averaged where they overlap."""
    if len(scores) == 1:
        return scores[0]
    height, width = size
    axis = 1 if height > width else 2
    total_KHW = scores[0].new_zeros(len(scores[0]), height, width)
    count_KHW = torch.zeros_like(total_KHW)
    side = scores[0].shape[1]
    for start, scores_KSS in zip(window_starts(max(size), side), scores, strict=True):
        total_KHW.narrow(axis, start, side).add_(scores_KSS)
        count_KHW.narrow(axis, start, side).add_(1)
    return total_KHW / count_KHW.clamp(min=1)
