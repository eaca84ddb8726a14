"""Operations that progressive and style-based GANs are made of.

Shape suffixes: N images, C channels, H height, W width.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

LEAK = 0.2  # slope of the leaky ReLU on negative inputs
PIXEL_NORM_EPSILON = 1e-8
FUSED_FROM = 16  # pixels: on smaller maps a resampling convolution is faster in two steps (measured, one CPU core)


class _PixelNorm(torch.autograd.Function):
    """Pixel norm with its gradient written out: half the passes over memory that autograd's own would take."""

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor) -> Tensor:
        scale_N1HW = torch.linalg.vector_norm(x_NCHW, dim=1, keepdim=True)
        scale_N1HW = scale_N1HW.square_().div_(x_NCHW.shape[1]).add_(PIXEL_NORM_EPSILON).rsqrt_()
        y_NCHW = x_NCHW * scale_N1HW
        ctx.save_for_backward(y_NCHW, scale_N1HW)
        return y_NCHW

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NCHW: Tensor) -> Tensor:
        y_NCHW, scale_N1HW = ctx.saved_tensors
        along_N1HW = (grad_NCHW * y_NCHW).mean(1, keepdim=True)
        return torch.addcmul(grad_NCHW, y_NCHW, along_N1HW, value=-1).mul_(scale_N1HW)


def pixel_norm(x_NCHW: Tensor) -> Tensor:
    """Every pixel's channels divided by their root mean square. Differentiable once.

    Source:
        Karras et al. 2018, arXiv:1710.10196, section 4.2.
    """
    return _PixelNorm.apply(x_NCHW)


def upscale_conv(x_NCHW: Tensor, weight_OI33: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Nearest upsampling to twice the size, then a 3x3 convolution; larger maps in one step of 4/9 the arithmetic."""
    if x_NCHW.shape[-1] < FUSED_FROM:
        return F.conv2d(F.interpolate(x_NCHW, scale_factor=2, mode="nearest"), weight_OI33, bias_O, padding=1)
    weight_IO44 = _spread(weight_OI33.flip(2, 3)).transpose(0, 1)
    return F.conv_transpose2d(x_NCHW, weight_IO44, bias_O, stride=2, padding=1)


def downscale_conv(x_NCHW: Tensor, weight_OI33: Tensor, bias_O: Tensor) -> Tensor:
    """A 3x3 convolution, then the mean of each 2x2 pixels; larger maps in one step of 4/9 the arithmetic."""
    if x_NCHW.shape[-1] < FUSED_FROM:
        return F.avg_pool2d(F.conv2d(x_NCHW, weight_OI33, bias_O, padding=1), 2)
    return F.conv2d(x_NCHW, _spread(weight_OI33) / 4, bias_O, stride=2, padding=1)


def blur(x_NCHW: Tensor) -> Tensor:
    """Each channel smoothed by [1, 2, 1] / 4 both ways; beyond the border lies 0."""
    C = x_NCHW.shape[1]
    tap_3 = torch.tensor([0.25, 0.5, 0.25], dtype=x_NCHW.dtype, device=x_NCHW.device)
    return F.conv2d(x_NCHW, torch.outer(tap_3, tap_3).expand(C, 1, 3, 3), padding=1, groups=C)


class _Adain(torch.autograd.Function):
    """AdaIN with its gradient written out; `torch.var_mean` alone would take ten times as long on CPUs."""

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor, deviation_NC11: Tensor, mean_NC11: Tensor, epsilon: float) -> Tensor:
        x_NCHW = x_NCHW - x_NCHW.mean((2, 3), keepdim=True)
        scale_NC11 = x_NCHW.square().mean((2, 3), keepdim=True).add_(epsilon).rsqrt_()
        x_NCHW *= scale_NC11
        ctx.save_for_backward(x_NCHW, scale_NC11, deviation_NC11)
        return torch.addcmul(mean_NC11, x_NCHW, deviation_NC11)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NCHW: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_NCHW, scale_NC11, deviation_NC11 = ctx.saved_tensors
        H, W = x_NCHW.shape[2:]
        level_NC11 = grad_NCHW.mean((2, 3), keepdim=True)
        along_NC11 = (grad_NCHW * x_NCHW).mean((2, 3), keepdim=True)
        inner_NCHW = torch.addcmul(grad_NCHW - level_NC11, x_NCHW, along_NC11, value=-1)
        return inner_NCHW.mul_(deviation_NC11 * scale_NC11), along_NC11 * (H * W), level_NC11 * (H * W), None


def adain(x_NCHW: Tensor, deviation_NC11: Tensor, mean_NC11: Tensor, epsilon: float) -> Tensor:
    """Each image's channels brought to variance 1 (divisor H*W) and mean 0, then to the given deviation and mean.

    Differentiable once.

    Source:
        Huang and Belongie 2017, arXiv:1703.06868, equation 8; Karras et al. 2019, arXiv:1812.04948, equation 1.
    """
    x_NCHW, deviation_NC11, mean_NC11 = (part.to(_wide(x_NCHW)) for part in (x_NCHW, deviation_NC11, mean_NC11))
    return _Adain.apply(x_NCHW, deviation_NC11, mean_NC11, epsilon)


def _wide(x: Tensor) -> torch.dtype:
    """The type of statistics over many pixels: never of half precision."""
    return torch.promote_types(x.dtype, torch.float32)


def _spread(weight_OI33: Tensor) -> Tensor:
    """The 4x4 kernel that sums a 3x3 kernel's four places on 2x2 pixels."""
    padded = F.pad(weight_OI33, (1, 1, 1, 1))
    return padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
