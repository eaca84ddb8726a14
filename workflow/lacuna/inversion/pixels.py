"""Images as bytes and as what generators make.

Shape suffixes: N images, H height, W width.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_signed(images_NHW3: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Bytes -> float32 (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(images_NHW3).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_bytes(x_N3HW: Tensor) -> NDArray[np.uint8]:
    """Floats about [-1, 1] -> uint8 (N, H, W, 3), clamped and rounded; NaN becomes mid grey."""
    levels_N3HW = ((torch.nan_to_num(x_N3HW.float()) + 1) * 127.5).round().clamp(0, 255)
    return levels_N3HW.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
