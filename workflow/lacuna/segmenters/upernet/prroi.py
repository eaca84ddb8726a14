"""Precise RoI pooling of a whole map, as two small matrix products.

With the whole map as its only region, PrRoIPool is the exact mean over each bin of the bilinear interpolant of the
map, and the interpolant is separable: pooled = A_h x A_w^T. Beyond the map's last sample the interpolant falls to zero,
so the last bin's weights sum to less than one; average pooling is something else.

Shape suffixes: N images, C channels, H and W size of the map, P bins per side.
"""

import numpy as np
import torch
from torch import Tensor


def pooling_matrix(size: int, bins: int) -> Tensor:
    """Weight of each sample of a line in each bin.

    Args:
        size: samples on the line, at positions 0 ... size - 1; the bins part [0, size] evenly.

    Returns:
        (bins, size) float32; computed in float64.

    Source:
        Jiang et al. 2018, arXiv:1807.11590, equation 2: integral of the interpolant over the bin, divided by its width.
    """
    width = size / bins
    edges = np.arange(bins + 1)[:, None] * width - np.arange(size)[None, :]
    cumulative = _hat_integral(edges)
    return torch.from_numpy((cumulative[1:] - cumulative[:-1]) / width).float()


def _hat_integral(t: np.ndarray) -> np.ndarray:
    """Integral from minus infinity to t of the hat function max(0, 1 - |s|)."""
    t = np.clip(t, -1.0, 1.0)
    return np.where(t < 0, 0.5 * (t + 1) ** 2, 1 - 0.5 * (1 - t) ** 2)


def prroi_pool(x_NCHW: Tensor, bins: int) -> Tensor:
    """Pool whole maps into bins x bins values a channel: (N, C, H, W) -> (N, C, P, P)."""
    height, width = x_NCHW.shape[-2:]
    rows_PH = pooling_matrix(height, bins).to(x_NCHW)
    columns_PW = pooling_matrix(width, bins).to(x_NCHW)
    return rows_PH @ (x_NCHW @ columns_PW.T)
