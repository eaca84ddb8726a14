"""Arg-max over classes of bilinearly upsampled maps, without upsampling the classes that cannot win.

An interpolated value is a convex combination of its four corners, so within a cell of the small map a class can win
only if the largest of its corners reaches the best class's smallest. Most cells are left with one class, few with many.

Shape suffixes: K classes; h and w size of the small map, H and W of the large one; C cells, R and S rows and columns of
the large map in one cell. The small map is padded by one sample per side, so it has (h + 1) (w + 1) cells.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SLACK = 1e-5  # of the largest logit: float error of an interpolated value
MOST_CANDIDATES = 0.25  # share of classes a cell, on average, above which pruning does not pay


def upsampled_argmax(logits_Khw: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Best class of each pixel after interpolation to `size` = (height, width): (H, W) int64; the first one of equals.

    Equal to the plain form but at ties within float error. Where it does not pay it is the plain form.
    """
    height, width = logits_Khw.shape[1:]
    if logits_Khw.device.type != "cpu" or size[0] * size[1] < 2 * height * width:
        return plain_argmax(logits_Khw, size, align_corners)
    padded_hwK = _padded(logits_Khw)
    candidates_CK = _candidates(padded_hwK)
    count_C = candidates_CK.sum(dim=1)
    if count_C.double().mean() > MOST_CANDIDATES * len(logits_Khw):
        return plain_argmax(logits_Khw, size, align_corners)
    rows = _Line(height, size[0], align_corners)
    columns = _Line(width, size[1], align_corners)
    only_C = candidates_CK.byte().argmax(dim=1)
    labels_HW = only_C.view(height + 1, width + 1)[rows.cell[:, None], columns.cell[None]]
    open_C = (count_C > 1).nonzero()[:, 0]
    if len(open_C):
        order = count_C[open_C].argsort(descending=True, stable=True)
        _decide(labels_HW, padded_hwK, candidates_CK, open_C[order], rows, columns)
    return labels_HW


def plain_argmax(logits_Khw: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """The same by its definition: all classes at full size. `max` is several times as fast as `argmax` on a CPU."""
    if tuple(logits_Khw.shape[1:]) != tuple(size):
        logits_Khw = functional.interpolate(
            logits_Khw[None], size=tuple(size), mode="bilinear", align_corners=align_corners
        )[0]
    return logits_Khw.max(dim=0).indices


class _Line:
    """Which cells of one axis the pixels of the large map are in, and with which weights.

    cell: (H,) of each pixel.
    pixels: (cells, R) of each cell; -1 where the cell has fewer.
    weight: (cells, R) of the cell's second corner.
    """

    def __init__(self, size: int, larger: int, align_corners: bool) -> None:
        i = torch.arange(larger, dtype=torch.float32)
        place = i * ((size - 1) / max(larger - 1, 1)) if align_corners else (i + 0.5) * (size / larger) - 0.5
        self.cell = place.floor().long().clamp(-1, size - 1) + 1
        first = torch.searchsorted(self.cell, torch.arange(size + 2))
        span = torch.arange(int(first.diff().max()))
        pixels = first[:-1, None] + span
        self.pixels = pixels.where(pixels < first[1:, None], -1)
        weights = (place - (self.cell - 1)).clamp(0, 1)
        self.weight = weights[self.pixels]


def _padded(logits_Khw: Tensor) -> Tensor:
    """The map with its border repeated, classes last: (h + 2, w + 2, K)."""
    return functional.pad(logits_Khw[None], (1, 1, 1, 1), mode="replicate")[0].permute(1, 2, 0).contiguous()


def _candidates(padded_hwK: Tensor) -> Tensor:
    """Whether a class can win in a cell: (C, K) bool."""
    above, below = padded_hwK[:-1], padded_hwK[1:]
    high, low = torch.maximum(above, below), torch.minimum(above, below)
    high = torch.maximum(high[:, :-1], high[:, 1:])
    low = torch.minimum(low[:, :-1], low[:, 1:])
    smallest, largest = padded_hwK.aminmax()
    reached = low.amax(dim=-1, keepdim=True) - SLACK * max(-smallest, largest)
    return (high >= reached).flatten(0, 1)


def _decide(
    labels_HW: Tensor, padded_hwK: Tensor, candidates_CK: Tensor, cells_C: Tensor, rows: _Line, columns: _Line
) -> None:
    """Write the labels of `cells_C`, cells with several candidates, those with most of them first.

    The k-th candidates of all cells that have so many are interpolated together.
    """
    _, width, classes = padded_hwK.shape
    row_C, column_C = cells_C // (width - 1), cells_C % (width - 1)
    corner_C = (row_C * width + column_C) * classes
    values, down, right = padded_hwK.flatten(), width * classes, classes
    y_CR1, x_C1S = rows.weight[row_C][:, :, None], columns.weight[column_C][:, None, :]
    which, class_of = candidates_CK[cells_C].nonzero(as_tuple=True)
    count_C = which.bincount(minlength=len(cells_C))
    first_C = count_C.cumsum(0) - count_C
    best_CRS = torch.full((len(cells_C), y_CR1.shape[1], x_C1S.shape[2]), -torch.inf, dtype=values.dtype)
    label_CRS = torch.zeros_like(best_CRS, dtype=torch.long)
    for k in range(int(count_C[0])):
        having = int((count_C > k).sum())
        label_C = class_of[first_C[:having] + k]
        place_C11 = (corner_C[:having] + label_C)[:, None, None]
        x_C1S_k, y_CR1_k = x_C1S[:having], y_CR1[:having]
        top = torch.lerp(values[place_C11], values[place_C11 + right], x_C1S_k)
        bottom = torch.lerp(values[place_C11 + down], values[place_C11 + down + right], x_C1S_k)
        value_CRS = torch.lerp(top, bottom, y_CR1_k)
        better = value_CRS > best_CRS[:having]
        best_CRS[:having] = best_CRS[:having].where(~better, value_CRS)
        label_CRS[:having] = label_CRS[:having].where(~better, label_C[:, None, None])
    y_CRS, x_CRS = torch.broadcast_tensors(rows.pixels[row_C][:, :, None], columns.pixels[column_C][:, None, :])
    inside = (y_CRS >= 0) & (x_CRS >= 0)
    labels_HW[y_CRS[inside], x_CRS[inside]] = label_CRS[inside]
