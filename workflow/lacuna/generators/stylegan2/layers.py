"""Layers of StyleGAN2's generator; see lacuna.generators.stylegan2.model.

Shape suffixes: N images, D latent numbers of z or w, O and I output and input channels, C channels, H height, W width,
L vectors of a block, K classes.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.networks.layers import LEAK, pixel_norm

FIRST_SIZE = 4  # pixels of the first block
GAIN = math.sqrt(2)  # of every leaky ReLU
DEMODULATION_EPSILON = 1e-8
NOISE_SEED = 0
W_AVG_SEED, W_AVG_SAMPLES = 0, 10_000


class Linear(nn.Module):
    """Equalised linear map, learning at `rate` times the other layers' speed."""

    def __init__(self, in_width: int, out_width: int, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_width, in_width) / rate)
        self.bias = nn.Parameter(torch.full((out_width,), bias))
        self.rate, self.scale = rate, rate / math.sqrt(in_width)

    def forward(self, x_ND: Tensor) -> Tensor:
        return F.linear(x_ND, self.weight * self.scale, self.bias * self.rate)


class Mapping(nn.Module):
    """z, or (c, z) in one row where there are classes -> w.

    Args:
        z_dim: latent numbers of z.
        widths: of the layers, w last.
        num_classes: length of c; 0 for none.
        label_width: numbers that a class becomes before the first layer.
        rate: learning rate of the layers, relative to the others'.
        stores_w_avg: whether the checkpoint has the mean of w.
    """

    w_avg: Tensor  # (D,), mean of w

    def __init__(
        self, z_dim: int, widths: Sequence[int], num_classes: int, label_width: int, rate: float, stores_w_avg: bool
    ) -> None:
        super().__init__()
        self.z_dim, self.num_classes, self.depth = z_dim, num_classes, len(widths)
        self.label: int | None = None  # the one class that is drawn; where None, c says which
        self.embed = Linear(num_classes, label_width) if num_classes else None
        before = z_dim + label_width
        for k, width in enumerate(widths):
            self.add_module(f"fc{k}", Linear(before, width, rate))
            before = width
        self.register_buffer("w_avg", torch.zeros(before), persistent=stores_w_avg)

    def forward(self, cz_ND: Tensor) -> Tensor:
        x_ND = pixel_norm(self.latent(cz_ND))
        if self.embed is not None:
            x_ND = torch.cat([x_ND, self.label_part(cz_ND)], dim=1)
        for k in range(self.depth):
            x_ND = F.leaky_relu(self.get_submodule(f"fc{k}")(x_ND), LEAK) * GAIN
        return x_ND

    def latent(self, cz_ND: Tensor) -> Tensor:
        """Z of a row (c, z)."""
        return cz_ND[:, -self.z_dim :]

    def label_part(self, cz_ND: Tensor) -> Tensor:
        """What of the class is joined to the normalised z."""
        assert self.embed is not None
        c_NK = cz_ND[:, : self.num_classes]
        if self.label is not None:
            c_NK = F.one_hot(torch.tensor([self.label]), self.num_classes).to(cz_ND).expand(len(cz_ND), -1)
        return pixel_norm(self.embed(c_NK))

    @torch.no_grad()
    def estimate_average(self) -> None:
        """Set `w_avg` to the mean of w over W_AVG_SAMPLES z drawn from W_AVG_SEED."""
        random = torch.Generator().manual_seed(W_AVG_SEED)
        self.w_avg.copy_(self(torch.randn(W_AVG_SAMPLES, self.z_dim, generator=random).to(self.w_avg)).mean(0))


class Style(Linear):
    """w -> the scale of each input channel; affine, about 1."""

    w_avg: Tensor | None

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__(w_dim, channels, bias=1.0)
        self.truncation = 1.0
        self.register_buffer("w_avg", None, persistent=False)

    def forward(self, w_ND: Tensor) -> Tensor:
        return super().forward(self.seen(w_ND))

    def truncate(self, w_avg_D: Tensor, truncation: float) -> None:
        """From now on see every w as w_avg + truncation (w - w_avg)."""
        self.w_avg, self.truncation = w_avg_D, truncation

    def seen(self, w_ND: Tensor) -> Tensor:
        """W after truncation."""
        return w_ND if self.w_avg is None else self.w_avg + self.truncation * (w_ND - self.w_avg)


class StyledConv(nn.Module):
    """Convolution modulated by w, noise, bias, leaky ReLU.

    Args:
        size: height and width in pixels of what comes out.
        number: of all such layers, from 0; seeds the noise where the checkpoint has none.
        doubles: whether it doubles the size.
        has_noise: whether the network was trained with noise.
        stores_noise: whether the checkpoint has the noise image.
    """

    noise_const: Tensor  # (H, W)

    def __init__(
        self, in_channels: int, channels: int, w_dim: int, size: int, number: int, doubles: bool, has_noise: bool,
        stores_noise: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.size, self.doubles, self.has_noise = size, doubles, has_noise
        self.noise_is_on = has_noise
        self.clamp: float | None = None
        self.affine = Style(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        if has_noise:
            self.noise_strength = nn.Parameter(torch.zeros(()))
            noise = torch.randn(size, size, generator=torch.Generator().manual_seed(NOISE_SEED + number))
            self.register_buffer("noise_const", noise, persistent=stores_noise)

    def forward(self, x_NCHW: Tensor, w_ND: Tensor, noise_N1HW: Tensor | None = None) -> Tensor:
        """Features; the noise is `noise_const` for all images where None."""
        x_NCHW = modulated_conv(x_NCHW, self.weight, self.affine(w_ND), self.doubles)
        return activate(x_NCHW, self.shift(noise_N1HW), self.clamp)

    def shift(self, noise_N1HW: Tensor | None) -> Tensor:
        """Noise and bias: (1, C, 1, 1), (1, C, H, W) or (N, C, H, W)."""
        bias_1C11 = self.bias[None, :, None, None]
        if not self.noise_is_on:
            return bias_1C11
        noise_N1HW = self.noise_const[None, None] if noise_N1HW is None else noise_N1HW
        return noise_N1HW * self.noise_strength + bias_1C11


class ToRgb(nn.Module):
    """Features -> what they add to the image: 1x1 convolution modulated by w."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.clamp: float | None = None
        self.affine = Style(w_dim, channels)
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / math.sqrt(channels)

    def forward(self, x_NCHW: Tensor, w_ND: Tensor) -> Tensor:
        x_N3HW = modulated_conv(x_NCHW, self.weight, self.styles(w_ND), demodulates=False)
        return clamped(x_N3HW + self.bias[None, :, None, None], self.clamp)

    def styles(self, w_ND: Tensor) -> Tensor:
        """Scale of each channel."""
        return self.affine(w_ND) * self.scale


class Block(nn.Module):
    """(features, image, w) -> (features, image, w) at twice the size; the first makes it of w, the last an image alone.

    Args:
        number: of the block, from 0 at 4 pixels.
        in_channels: of the block before; of the first those of its constant.
    """

    def __init__(
        self, number: int, in_channels: int, channels: int, w_dim: int, is_last: bool, has_noise: bool,
        stores_noise: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.size, self.is_last = FIRST_SIZE * 2**number, is_last
        self.vectors = slice(max(2 * number - 1, 0), 2 * number + 2)  # of all w's; the last is the next block's first
        noise = (has_noise, stores_noise)
        if number == 0:
            self.const = nn.Parameter(torch.randn(channels, FIRST_SIZE, FIRST_SIZE))
        else:
            self.conv0 = StyledConv(in_channels, channels, w_dim, self.size, 2 * number - 1, True, *noise)
        self.conv1 = StyledConv(channels, channels, w_dim, self.size, 2 * number, False, *noise)
        self.torgb = ToRgb(channels, w_dim)

    def forward(self, state: Tensor | tuple[Tensor, Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        features_NCHW, image_N3HW, w_ND = (None, None, state) if isinstance(state, Tensor) else state
        features_NCHW, image_N3HW = self.draw(features_NCHW, image_N3HW, [w_ND] * self.num_vectors)
        return image_N3HW if self.is_last else (features_NCHW, image_N3HW, w_ND)

    @property
    def num_vectors(self) -> int:
        return self.vectors.stop - self.vectors.start

    def convs(self) -> list[StyledConv]:
        """conv0, where there is one, and conv1."""
        return [layer for layer in self.children() if isinstance(layer, StyledConv)]

    def draw(
        self, features_NCHW: Tensor | None, image_N3HW: Tensor | None, w_LND: Sequence[Tensor],
        noise: Sequence[Tensor | None] | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Features and image after the block, by a w and a noise for each layer; the first block needs no features."""
        if features_NCHW is None:
            features_NCHW = self.const.expand(len(w_LND[0]), -1, -1, -1)
        convs = self.convs()
        for layer, w_ND, noise_N1HW in zip(convs, w_LND[:-1], noise or [None] * len(convs), strict=True):
            features_NCHW = layer(features_NCHW, w_ND, noise_N1HW)
        added_N3HW = self.torgb(features_NCHW, w_LND[-1])
        return features_NCHW, added_N3HW if image_N3HW is None else doubled(image_N3HW) + added_N3HW


def modulated_conv(
    x_NIHW: Tensor, weight_OIkk: Tensor, style_NI: Tensor, doubles: bool = False, demodulates: bool = True
) -> Tensor:
    """Convolution by weights of each image's own: W s, divided by their length over I and the kernel.

    Scaling what comes in and what goes out does the same, with one set of weights for the batch.

    Source:
        Karras et al. 2020, arXiv:1912.04958, section 2.2.
    """
    x_NIHW = (x_NIHW * style_NI[:, :, None, None]).contiguous(memory_format=torch.channels_last)
    if doubles:
        x_NOHW = doubling_conv(x_NIHW, weight_OIkk)
    else:
        x_NOHW = F.conv2d(x_NIHW, weight_OIkk, padding=weight_OIkk.shape[-1] // 2)
    if demodulates:
        energy_NO = style_NI.square() @ weight_OIkk.square().sum((2, 3)).T
        x_NOHW = x_NOHW * (energy_NO + DEMODULATION_EPSILON).rsqrt()[:, :, None, None]
    return x_NOHW


def doubling_conv(x_NIHW: Tensor, weight_OI33: Tensor) -> Tensor:
    """Convolution to twice the size, then the filter."""
    x_NOHW = F.conv_transpose2d(x_NIHW, weight_OI33.transpose(0, 1), stride=2)
    C = x_NOHW.shape[1]
    return F.conv2d(x_NOHW, filter_44(x_NOHW).expand(C, 1, 4, 4), padding=1, groups=C)


def doubled(x_NCHW: Tensor) -> Tensor:
    """An image at twice the size; beyond the border lies 0, so the border darkens."""
    C = x_NCHW.shape[1]
    return F.conv_transpose2d(x_NCHW, filter_44(x_NCHW).expand(C, 1, 4, 4), stride=2, padding=1, groups=C)


def filter_44(like: Tensor) -> Tensor:
    """[1, 3, 3, 1] both ways, of sum 4 as every second pixel is 0."""
    tap_4 = torch.tensor([0.25, 0.75, 0.75, 0.25], dtype=like.dtype, device=like.device)
    return torch.outer(tap_4, tap_4)


def activate(x_NCHW: Tensor, shift: Tensor, clamp: float | None) -> Tensor:
    """Noise and bias added, leaky ReLU, gain, clamp."""
    return clamped(F.leaky_relu(x_NCHW + shift, LEAK) * GAIN, clamp)


def clamped(x_NCHW: Tensor, clamp: float | None) -> Tensor:
    """No value beyond +-clamp, where there is one."""
    return x_NCHW if clamp is None else x_NCHW.clamp(-clamp, clamp)
