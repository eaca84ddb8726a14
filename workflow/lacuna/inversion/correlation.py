"""Pearson correlation of features, image by image.

Shape suffixes: N images, M other images, D elements.
"""

import torch
from torch import Tensor


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Correlation of each image of `a` with each of `b` over all elements of one image: (N, ...), (M, ...) -> (N, M).

    Float64. NaN for an image whose elements are all equal.
    """
    return _standardised(a) @ _standardised(b).T


def _standardised(r: Tensor) -> Tensor:
    r_ND = r.flatten(1).double()
    r_ND = r_ND - r_ND.mean(dim=1, keepdim=True)
    return r_ND / torch.linalg.vector_norm(r_ND, dim=1, keepdim=True)
