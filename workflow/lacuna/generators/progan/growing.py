"""What the progressive GAN needs beside its generator while it is trained: growth, and a discriminator.

While a size is new, `alpha` rises from 0 to 1 and blends it in over the size before, in both networks.

Shape suffixes: N images, D latent numbers, C channels, H height, W width, G images of a group.

Source:
    Karras et al. 2018, arXiv:1710.10196, sections 2 to 4.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.generators.progan.model import FIRST_SIZE, OutputLayer, feature_layers, output_name
from lacuna.networks.layers import LEAK, downscale_conv


class GrowingGenerator(nn.Module):
    """A ProgressiveGenerator with an output at every size; weights carry the same names."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.z_dim = sizes[0]
        for name, layer in feature_layers(sizes).items():
            self.add_module(name, layer)
        for k, channels in enumerate(sizes[1:]):
            self.add_module(output_name(FIRST_SIZE * 2**k), OutputLayer(channels, clamp=False))

    def forward(self, z_ND: Tensor, size: int, alpha: float = 1.0) -> Tensor:
        """Z -> x (N, 3, size, size)."""
        x_NCHW, before_NCHW = z_ND, z_ND
        for k in range(1, _layers(size) + 1):
            if k == _layers(size) - 1:
                before_NCHW = x_NCHW
            x_NCHW = getattr(self, f"layer{k}")(x_NCHW)
        x_N3HW: Tensor = getattr(self, output_name(size))(x_NCHW)
        if alpha < 1:
            small_N3HW = getattr(self, output_name(size // 2))(before_NCHW)
            x_N3HW = torch.lerp(enlarge(small_N3HW), x_N3HW, alpha)
        return x_N3HW

    def weights(self, size: int) -> dict[str, Tensor]:
        """State dict of the ProgressiveGenerator that makes images of this size."""
        names = {output_name(size), *(f"layer{k}" for k in range(1, _layers(size) + 1))}
        return {key: value for key, value in self.state_dict().items() if key.split(".")[0] in names}


class GrowingDiscriminator(nn.Module):
    """Image -> score, the generator's mirror image: `sizes` are the generator's."""

    def __init__(self, sizes: Sequence[int], group: int = 4) -> None:
        super().__init__()
        self.group = group
        for k, channels in enumerate(sizes[1:]):
            size = FIRST_SIZE * 2**k
            self.add_module(f"input_{size}x{size}", Conv(3, channels, kernel=1))
            if k > 0:
                block = nn.Sequential(Conv(channels, channels), DownscaleConv(channels, sizes[k]))
                self.add_module(f"block_{size}x{size}", block)
        self.last = Conv(sizes[1] + 1, sizes[1])
        self.features = Conv(sizes[1], sizes[1], kernel=FIRST_SIZE, padding=0)
        self.score = Conv(sizes[1], 1, kernel=1, gain=1.0, leak=1.0)

    def forward(self, x_N3HW: Tensor, alpha: float = 1.0) -> Tensor:
        """X -> (N,) scores; the group statistics want images of one kind next to each other."""
        size = x_N3HW.shape[-1]
        x_NCHW = getattr(self, f"input_{size}x{size}")(x_N3HW)
        while size > FIRST_SIZE:
            x_NCHW = getattr(self, f"block_{size}x{size}")(x_NCHW)
            size //= 2
            if alpha < 1:
                small_NCHW = getattr(self, f"input_{size}x{size}")(F.avg_pool2d(x_N3HW, 2))
                x_NCHW, alpha = torch.lerp(small_NCHW, x_NCHW, alpha), 1.0
        x_NCHW = torch.cat([x_NCHW, group_deviation(x_NCHW, self.group)], dim=1)
        return self.score(self.features(self.last(x_NCHW))).flatten().float()


class Conv(nn.Module):
    """Equalised convolution, bias, leaky ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, padding: int | None = None,
        gain: float = math.sqrt(2.0), leak: float = LEAK,
    ) -> None:  # fmt: skip
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale = gain / math.sqrt(in_channels * kernel**2)
        self.padding = (kernel - 1) // 2 if padding is None else padding
        self.leak = leak

    def forward(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = x_NCHW.contiguous(memory_format=torch.channels_last)
        x_NCHW = self.convolve(x_NCHW, self.weight * self.scale)
        return F.leaky_relu_(x_NCHW, self.leak) if self.leak < 1 else x_NCHW

    def convolve(self, x_NCHW: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(x_NCHW, weight, self.bias, padding=self.padding)


class DownscaleConv(Conv):
    """The same to half the size: the mean of each 2x2 pixels is taken before the leaky ReLU."""

    def convolve(self, x_NCHW: Tensor, weight: Tensor) -> Tensor:
        return downscale_conv(x_NCHW, weight, self.bias)


def group_deviation(x_NCHW: Tensor, group: int) -> Tensor:
    """How much the images of a group differ: one number per group, as a channel (N, 1, H, W).

    A generator whose images are all alike is found out by it. Groups are smaller where `group` does not divide N.

    Source:
        Karras et al. 2018, section 3: mean over features and places of the standard deviation over the group.
    """
    N, _, H, W = x_NCHW.shape
    group = math.gcd(N, group)
    x_GgCHW = x_NCHW.float().unflatten(0, (N // group, group))
    deviation_GCHW = (x_GgCHW.var(1, unbiased=False) + 1e-8).sqrt()
    return deviation_GCHW.mean((1, 2, 3)).repeat_interleave(group)[:, None, None, None].expand(N, 1, H, W)


def enlarge(x_NCHW: Tensor) -> Tensor:
    """Twice the size, each pixel repeated, in the same type: CUDA's autocast would give float32 for bfloat16."""
    return F.interpolate(x_NCHW, scale_factor=2, mode="nearest").to(x_NCHW.dtype)


def soften(x_N3HW: Tensor, alpha: float) -> Tensor:
    """Real images as the networks see them while a size fades in: detail of the new size weighted by `alpha`."""
    return x_N3HW if alpha >= 1 else torch.lerp(enlarge(F.avg_pool2d(x_N3HW, 2)), x_N3HW, alpha)


def _layers(size: int) -> int:
    return 2 * int(math.log2(size // FIRST_SIZE)) + 2
