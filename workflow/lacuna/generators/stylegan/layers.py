"""Layers of the style-based generator; see lacuna.generators.stylegan.model.

Shape suffixes: N images, D latent numbers of z or w, C channels, H height, W width.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.networks.layers import LEAK, adain, blur, pixel_norm, upscale_conv

FIRST_SIZE = 4  # pixels of layer0 and layer1
MAPPING_RATE = 0.01  # learning rate of the published mapping network, relative to the others'
NOISE_SEED = 0
W_AVG_SEED, W_AVG_SAMPLES = 0, 10_000
Features = tuple[Tensor, Tensor]  # (features NCHW, w ND)


@dataclass(frozen=True)
class Habits:
    """What the known networks do differently; the defaults are the published one's and ours."""

    epsilon: float = 1e-8  # added to the variance of a channel
    blurs_bias: bool = False  # bias before the blur, which takes some of it away at the borders
    shares_noise: bool = False  # one noise image a size, instead of one a layer
    stores_noise: bool = True
    stores_w_avg: bool = True


PUBLISHED = Habits()


class Dense(nn.Module):
    """Equalised linear map and leaky ReLU, learning at `rate` times the other layers' speed."""

    def __init__(self, in_width: int, out_width: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.weight = nn.Parameter(torch.randn(out_width, in_width) / rate)
        self.bias = nn.Parameter(torch.zeros(out_width))
        self.scale = rate * math.sqrt(2 / in_width)

    def forward(self, z_ND: Tensor) -> Tensor:
        return F.leaky_relu(F.linear(z_ND, self.weight * self.scale, self.bias * self.rate), LEAK)


class MappingNetwork(nn.Sequential):
    """z -> w.

    Args:
        widths: latent numbers of z, of the layers between, and of w.
        rate: learning rate, relative to the other layers'.
    """

    w_avg: Tensor  # (D,), mean of w

    def __init__(self, widths: Sequence[int], habits: Habits, rate: float = MAPPING_RATE) -> None:
        layers = [Dense(before, after, rate) for before, after in pairwise(widths)]
        super().__init__(OrderedDict((f"dense{k}", layer) for k, layer in enumerate(layers)))
        self.z_dim = widths[0]
        self.register_buffer("w_avg", torch.zeros(widths[-1]), persistent=habits.stores_w_avg)

    def forward(self, z_ND: Tensor) -> Tensor:
        """From z (N, D) or (N, D, 1, 1) to w (N, D)."""
        w_ND: Tensor = super().forward(pixel_norm(z_ND.flatten(1)))
        return w_ND

    @torch.no_grad()
    def estimate_average(self) -> None:
        """Set `w_avg` to the mean of w over W_AVG_SAMPLES z drawn from W_AVG_SEED."""
        random = torch.Generator().manual_seed(W_AVG_SEED)
        self.w_avg.copy_(self(torch.randn(W_AVG_SAMPLES, self.z_dim, generator=random).to(self.w_avg)).mean(0))


class Style(nn.Module):
    """w -> deviation and mean that AdaIN gives a layer's channels: equalised, affine."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2 * channels, w_dim))
        self.bias = nn.Parameter(torch.zeros(2 * channels))
        self.scale = 1 / math.sqrt(w_dim)

    def forward(self, w_ND: Tensor) -> tuple[Tensor, Tensor]:
        """Both (N, C, 1, 1)."""
        style_NC11 = F.linear(w_ND, self.weight * self.scale, self.bias)[:, :, None, None]
        deviation_NC11, mean_NC11 = style_NC11.chunk(2, dim=1)
        return deviation_NC11 + 1, mean_NC11

    @torch.no_grad()
    def pull(self, w_avg_D: Tensor, psi: float) -> None:
        """From now on treat every w as w_avg + psi (w - w_avg)."""
        self.bias.add_((1 - psi) * (self.weight * self.scale) @ w_avg_D)
        self.weight.mul_(psi)


class StyledLayer(nn.Module):
    """What every layer does after its convolution."""

    noise: Tensor  # (1, 1, H, W)

    def __init__(self, number: int, channels: int, w_dim: int, habits: Habits) -> None:
        super().__init__()
        self.size = FIRST_SIZE * 2 ** (number // 2)
        self.habits = habits
        self.bias = nn.Parameter(torch.zeros(channels))
        self.noise_weight = nn.Parameter(torch.zeros(channels))
        self.style = Style(channels, w_dim)
        seed = NOISE_SEED + (number - number % 2 if habits.shares_noise else number)
        noise = torch.randn(1, 1, self.size, self.size, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("noise", noise, persistent=habits.stores_noise)

    def source(self, x_NCHW: Tensor) -> Tensor:
        """What is styled: the convolved features, or the constant."""
        raise NotImplementedError

    def finish(self, x_NCHW: Tensor, w_ND: Tensor, noise_N1HW: Tensor) -> Tensor:
        """Noise, bias, leaky ReLU, AdaIN; `x` and the noise may be one for all images."""
        # With the channels last, as convolutions leave them: other orders cost more than the sum itself.
        noise_NHWC = noise_N1HW.permute(0, 2, 3, 1) * self.noise_weight
        x_NCHW = F.leaky_relu(x_NCHW + (noise_NHWC.permute(0, 3, 1, 2) + self.bias_map()), LEAK)
        deviation_NC11, mean_NC11 = self.style(w_ND)
        return adain(x_NCHW, deviation_NC11, mean_NC11, self.habits.epsilon)

    def bias_map(self) -> Tensor:
        """The bias, (C, 1, 1) or (C, H, W)."""
        return self.bias[:, None, None]


class ConstantLayer(StyledLayer):
    """w -> (features, w) at 4x4 pixels."""

    def __init__(self, channels: int, w_dim: int, habits: Habits) -> None:
        super().__init__(0, channels, w_dim, habits)
        self.const = nn.Parameter(torch.ones(1, channels, FIRST_SIZE, FIRST_SIZE))

    def forward(self, w_ND: Tensor) -> Features:
        return self.finish(self.const, w_ND, self.noise), w_ND

    def source(self, x_NCHW: Tensor) -> Tensor:
        return self.const


class ConvLayer(StyledLayer):
    """(features, w) -> (features, w) at the same size."""

    def __init__(self, number: int, in_channels: int, channels: int, w_dim: int, habits: Habits) -> None:
        super().__init__(number, channels, w_dim, habits)
        self.weight = nn.Parameter(torch.randn(channels, in_channels, 3, 3))
        self.scale = math.sqrt(2 / (9 * in_channels))

    def forward(self, state: Features) -> Features:
        x_NCHW, w_ND = state
        return self.finish(self.source(x_NCHW), w_ND, self.noise), w_ND

    def source(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = x_NCHW.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x_NCHW, self.weight * self.scale, padding=1)


class UpscaleLayer(ConvLayer):
    """(features, w) -> (features, w) at twice the size."""

    def source(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = x_NCHW.contiguous(memory_format=torch.channels_last)
        return blur(upscale_conv(x_NCHW, self.weight * self.scale))

    def bias_map(self) -> Tensor:
        bias_C11 = super().bias_map()
        return blur(bias_C11.expand(1, -1, self.size, self.size))[0] if self.habits.blurs_bias else bias_C11


class OutputLayer(nn.Module):
    """(features, w) -> x (N, 3, H, W): linear, not clamped."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / math.sqrt(channels)

    def forward(self, state: Features) -> Tensor:
        return F.conv2d(state[0], self.weight * self.scale, self.bias)


def styled_layers(channels: Sequence[int], w_dim: int, habits: Habits) -> OrderedDict[str, StyledLayer]:
    """layer0, layer1, ...: all between mapping and output, two a size; `channels` as in StyleGenerator."""
    layers: list[StyledLayer] = [
        ConstantLayer(channels[0], w_dim, habits),
        ConvLayer(1, channels[0], channels[0], w_dim, habits),
    ]
    for before, after in pairwise(channels):
        layers.append(UpscaleLayer(len(layers), before, after, w_dim, habits))
        layers.append(ConvLayer(len(layers), after, after, w_dim, habits))
    return OrderedDict((f"layer{k}", layer) for k, layer in enumerate(layers))
