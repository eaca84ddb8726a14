"""Between images in [-1, 1] and bytes.

Shape suffixes: N images, H height, W width.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError


def to_bytes(x_N3HW: Tensor, origin: str = "the network") -> NDArray[np.uint8]:
    """Images in [-1, 1] -> bytes (N, H, W, 3): clamped, rounded (the published code truncates).

    Args:
        origin: what made them, for the error.

    Raises:
        UserError: a pixel is NaN or infinite: the network has diverged, and clamped it would be a uniform gray.
    """
    levels_N3HW = ((x_N3HW.float() + 1) * 127.5).clamp(0, 255).round()
    finite_N = torch.isfinite(x_N3HW).flatten(1).all(dim=1)
    images_NHW3 = np.ascontiguousarray(levels_N3HW.byte().permute(0, 2, 3, 1).cpu().numpy())
    bad = int((~finite_N).sum())
    if bad:
        raise UserError(f"{origin}: {bad} of {len(finite_N)} images hold NaN or infinity; give other weights")
    return images_NHW3


def from_bytes(images_NHW3: NDArray[np.uint8], device: str | torch.device = "cpu") -> Tensor:
    """Bytes (N, H, W, 3) -> images (N, 3, H, W) in [-1, 1], channels last in memory."""
    return torch.from_numpy(images_NHW3).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def resized(x_N3HW: Tensor, size: int) -> Tensor:
    """Bilinear; where images get smaller each pixel is a mean over what it covers (antialiasing)."""
    if x_N3HW.shape[-2:] == (size, size):
        return x_N3HW
    return F.interpolate(x_N3HW, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def resized_bytes(images_NHW3: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The same for bytes (N, H, W, 3)."""
    return images_NHW3 if images_NHW3.shape[1:3] == (size, size) else to_bytes(resized(from_bytes(images_NHW3), size))
