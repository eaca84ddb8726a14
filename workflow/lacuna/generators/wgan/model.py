"""The published networks between WGAN-GP and the progressive GAN, at any width.

z -> layer1 (4x4 pixels) -> layer2 -> [layer3 doubles the size -> layer4] -> ... -> output -> x in [-1, 1], as in the
progressive GAN; a `Design` says what else a layer does. Two designs differ in what has no weights, pixel norm, so the
design follows from the family's name, never from the checkpoint.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.

Source:
    Karras et al. 2018, arXiv:1710.10196, section 6.1 and table 1; names and shapes of the weights as in the checkpoints
    of Bau et al. 2019.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.generators.chain import Generator
from lacuna.generators.progan.model import FIRST_SIZE, current_names, image_size, names_in_file, sizes_of
from lacuna.networks.layers import LEAK, pixel_norm, upscale_conv


@dataclass(frozen=True)
class Design:
    """What a family's layers do.

    Attributes:
        after: what follows a convolution: `batch_norm` (then ReLU), or `bias` or `scale` (one learned factor a layer,
            and a bias), then leaky ReLU.
        pixel_norm: which layers begin with pixel norm.
    """

    after: Literal["batch_norm", "bias", "scale"]
    pixel_norm: Literal["none", "first", "ends", "all"]


# By row of the ablation: WGAN-GP (a), progressive training (b), small minibatch (c); minibatch discrimination or
# standard deviation (e); equalised learning rate (f); pixelwise normalisation (g).
BATCH_NORM = Design(after="batch_norm", pixel_norm="none")
MINIBATCH_STATISTICS = Design(after="bias", pixel_norm="first")
EQUALISED = Design(after="scale", pixel_norm="ends")
PIXEL_NORM = Design(after="scale", pixel_norm="all")


class LearnedScale(nn.Module):
    """A factor on all of a layer's output, and a bias a channel."""

    def __init__(self, channels: int, fan_in: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), (2 / fan_in) ** 0.5))
        self.b = nn.Parameter(torch.zeros(channels))


class Layer(nn.Module):
    """r_k -> r_(k+1): (pixel norm) -> (nearest upsampling) -> convolution -> what the design says -> activation."""

    def __init__(self, design: Design, in_channels: int, out_channels: int, kernel: int, pixel_norm: bool) -> None:
        super().__init__()
        fan_in = in_channels * kernel**2
        self.pixel_norm = pixel_norm
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=design.after == "bias")
        nn.init.normal_(self.conv.weight, std=1.0 if design.after == "scale" else (2 / fan_in) ** 0.5)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        self.wscale = LearnedScale(out_channels, fan_in) if design.after == "scale" else None
        self.norm = nn.BatchNorm2d(out_channels) if design.after == "batch_norm" else None

    def forward(self, x_NCHW: Tensor) -> Tensor:
        if self.pixel_norm:
            x_NCHW = pixel_norm(x_NCHW)
        x_NCHW = self.convolve(x_NCHW.contiguous(memory_format=torch.channels_last))  # 2x faster on CPUs
        return self.activate(x_NCHW)

    @property
    def weight(self) -> Tensor:
        """The kernel in use: the factor goes on the few weights, not on the many pixels."""
        return self.conv.weight if self.wscale is None else self.conv.weight * self.wscale.scale

    @property
    def bias(self) -> Tensor | None:
        return self.conv.bias if self.wscale is None else self.wscale.b

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return F.conv2d(x_NCHW, self.weight, self.bias, padding=self.conv.kernel_size[0] // 2)

    def activate(self, x_NCHW: Tensor) -> Tensor:
        return F.leaky_relu_(x_NCHW, LEAK) if self.norm is None else F.relu_(self.norm(x_NCHW))


class LatentLayer(Layer):
    """z -> r_1: the full 4x4 convolution of one pixel, computed as the matrix product that it is."""

    def forward(self, z_ND: Tensor) -> Tensor:
        """Z (N, D) or (N, D, 1, 1) -> (N, C, 4, 4)."""
        z_ND = z_ND.flatten(1)
        if self.pixel_norm:
            z_ND = pixel_norm(z_ND)
        x_NCHW = torch.einsum("nd,cdhw->nchw", z_ND, self.weight.flip(2, 3))
        return self.activate(x_NCHW if self.bias is None else x_NCHW + self.bias[:, None, None])


class UpscaleLayer(Layer):
    """r_k -> r_(k+1) at twice the size."""

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return upscale_conv(x_NCHW, self.weight, self.bias)


class OutputLayer(Layer):
    """r_n -> x (N, 3, H, W): linear, then, as in the published class but not while training, clamped to [-1, 1]."""

    def __init__(self, design: Design, in_channels: int, clamp: bool) -> None:
        plain = design.after == "batch_norm"
        after = Design("bias", design.pixel_norm) if plain else design
        super().__init__(after, in_channels, 3, kernel=1, pixel_norm=design.pixel_norm in ("ends", "all"))
        self.clamp = clamp

    def activate(self, x_NCHW: Tensor) -> Tensor:
        return x_NCHW.clamp(-1, 1) if self.clamp else x_NCHW


class AblationGenerator(Generator):
    """z -> x.

    Args:
        sizes: number of latent numbers, then of channels at 4, 8, 16, ... pixels.
        clamp: bound the image to [-1, 1]; not while training, where a bounded value has no gradient.
    """

    def __init__(self, design: Design, sizes: Sequence[int], clamp: bool = True) -> None:
        self.sizes = list(sizes)
        self.z_dim = sizes[0]
        self.size = image_size(sizes)
        begins, all_layers = design.pixel_norm != "none", design.pixel_norm == "all"
        layers = [
            LatentLayer(design, sizes[0], sizes[1], FIRST_SIZE, begins),
            Layer(design, sizes[1], sizes[1], 3, all_layers),
        ]
        for before, after in pairwise(sizes[1:]):
            layers += [
                UpscaleLayer(design, before, after, 3, all_layers),
                Layer(design, after, after, 3, all_layers),
            ]
        named: OrderedDict[str, nn.Module] = OrderedDict((f"layer{k}", layer) for k, layer in enumerate(layers, 1))
        named["output"] = OutputLayer(design, sizes[-1], clamp)
        super().__init__(named)


def from_weights(design: Design, weights: Mapping[str, Tensor]) -> tuple[AblationGenerator, dict[str, Tensor]]:
    """The network of this design that `weights` belong to, not yet filled, and the weights under its names.

    Raises:
        UserError: these are no weights of such a network.
    """
    named = current_names(weights)
    generator = AblationGenerator(design, sizes_of(named))
    generator.key_names = names_in_file(weights, generator)
    return generator, named


batch_norm = partial(from_weights, BATCH_NORM)
minibatch_statistics = partial(from_weights, MINIBATCH_STATISTICS)
equalised = partial(from_weights, EQUALISED)
pixel_normed = partial(from_weights, PIXEL_NORM)
