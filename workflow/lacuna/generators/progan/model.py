"""The generator of the progressive GAN, as published, at any width.

z -> layer1 (4x4 pixels) -> layer2 -> [layer3 doubles the size -> layer4] -> ... -> output_HxW -> x in [-1, 1].
Every layer: pixel norm -> (nearest upsampling) -> equalised convolution -> bias -> leaky ReLU.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.

Source:
    Karras et al. 2018, arXiv:1710.10196; names and shapes of the weights as in the checkpoints of Bau et al. 2019.
"""

import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import mode

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.generators.chain import Generator
from lacuna.networks.layers import LEAK, pixel_norm, upscale_conv

FIRST_SIZE = 4  # pixels; the size that layer1 makes


class EqualisedScale(nn.Module):
    """Constant factor on a convolution's weights, and its bias: He's initialisation applied while running."""

    def __init__(self, channels: int, fan_in: int, gain: float) -> None:
        super().__init__()
        self.scale = gain / math.sqrt(fan_in)
        self.b = nn.Parameter(torch.zeros(channels))


class EqualisedConv(nn.Module):
    """Pixel norm, convolution, bias; `gain` is He's constant of the activation that follows."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, gain: float = math.sqrt(2.0)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=(kernel - 1) // 2, bias=False)
        self.wscale = EqualisedScale(out_channels, in_channels * kernel**2, gain)
        nn.init.normal_(self.conv.weight)

    @property
    def weight(self) -> Tensor:
        """The kernel in use: the factor goes on the few weights, not on the many pixels."""
        return self.conv.weight * self.wscale.scale

    def forward(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = pixel_norm(x_NCHW).contiguous(memory_format=torch.channels_last)  # 2x faster on CPUs
        return self.convolve(x_NCHW)

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return F.conv2d(x_NCHW, self.weight, self.wscale.b, padding=self.conv.kernel_size[0] // 2)


class LatentLayer(EqualisedConv):
    """z -> r_1: the full 4x4 convolution of one pixel, computed as the matrix product that it is."""

    def __init__(self, z_dim: int, out_channels: int) -> None:
        super().__init__(z_dim, out_channels, FIRST_SIZE)

    def forward(self, z_ND: Tensor) -> Tensor:
        """Z (N, D) or (N, D, 1, 1) -> (N, C, 4, 4)."""
        x_NCHW = torch.einsum("nd,cdhw->nchw", pixel_norm(z_ND.flatten(1)), self.weight.flip(2, 3))
        return F.leaky_relu_(x_NCHW + self.wscale.b[:, None, None], LEAK)


class Layer(EqualisedConv):
    """r_k -> r_(k+1) at the same size."""

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return F.leaky_relu_(super().convolve(x_NCHW), LEAK)


class UpscaleLayer(EqualisedConv):
    """r_k -> r_(k+1) at twice the size."""

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return F.leaky_relu_(upscale_conv(x_NCHW, self.weight, self.wscale.b), LEAK)


class OutputLayer(EqualisedConv):
    """r_n -> x (N, 3, H, W): linear, then, as in the published class but not while training, clamped to [-1, 1]."""

    def __init__(self, in_channels: int, clamp: bool) -> None:
        super().__init__(in_channels, 3, kernel=1, gain=1.0)
        self.clamp = clamp

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        x_N3HW = super().convolve(x_NCHW)
        return x_N3HW.clamp(-1, 1) if self.clamp else x_N3HW


class ProgressiveGenerator(Generator):
    """z -> x.

    Args:
        sizes: number of latent numbers, then of channels at 4, 8, 16, ... pixels.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        layers = feature_layers(sizes)
        self.sizes = list(sizes)
        self.z_dim = sizes[0]
        self.size = image_size(sizes)
        layers[output_name(self.size)] = OutputLayer(sizes[-1], clamp=True)
        super().__init__(layers)


def feature_layers(sizes: Sequence[int]) -> OrderedDict[str, nn.Module]:
    """layer1, layer2, ...: all but the output, two layers a size; `sizes` as in ProgressiveGenerator."""
    layers: list[nn.Module] = [LatentLayer(sizes[0], sizes[1]), Layer(sizes[1], sizes[1], 3)]
    for before, after in pairwise(sizes[1:]):
        layers += [UpscaleLayer(before, after, 3), Layer(after, after, 3)]
    return OrderedDict((f"layer{k}", layer) for k, layer in enumerate(layers, start=1))


def image_size(sizes: Sequence[int]) -> int:
    """Height and width in pixels of what a generator of these `sizes` makes."""
    return int(FIRST_SIZE * 2 ** (len(sizes) - 2))


def output_name(size: int) -> str:
    return f"output_{size}x{size}"


def from_weights(weights: Mapping[str, Tensor]) -> tuple[ProgressiveGenerator, dict[str, Tensor]]:
    """The network that `weights` belong to, not yet filled, and the weights under its names.

    Only the last output is kept of a checkpoint that has one a size. The factor `wscale.scale` of older checkpoints is
    left out, as the published loader does: it was fixed when training began, at the constant used here, but for the
    chance of the first weights.

    Raises:
        UserError: these are no weights of a progressive GAN.
    """
    generator = ProgressiveGenerator(sizes_of(current_names(weights)))
    last = output_name(generator.size)
    generator.key_names = names_in_file(weights, generator, last)
    unused = re.compile(rf"(?!{last}\.)output_\d+x\d+\..*|.*\.wscale\.scale")
    named = current_names(weights, last)
    return generator, {key: value for key, value in named.items() if not unused.fullmatch(key)}


def current_names(weights: Mapping[str, Tensor], output: str = "output") -> dict[str, Tensor]:
    """`weights` with the layers layer1, layer2, ..., `output`, where the older layout has features.0, ..., output."""
    named = {re.sub(r"^output\.", f"{output}.", key): weight for key, weight in weights.items()}
    return {re.sub(r"^features\.(\d+)", lambda found: f"layer{int(found[1]) + 1}", key): named[key] for key in named}


def names_in_file(weights: Mapping[str, Tensor], generator: Generator, output: str = "output") -> dict[str, str]:
    """What a file of the older layout calls, or would call, the generator's and its own weights; {} for the other."""
    if not any(key.startswith("features.") for key in weights):
        return {}
    keys = generator.state_dict().keys() | current_names(weights, output).keys()
    named = {key: re.sub(rf"^{output}\.", "output.", key) for key in keys}
    return {key: re.sub(r"^layer(\d+)", lambda found: f"features.{int(found[1]) - 1}", named[key]) for key in named}


def sizes_of(weights: Mapping[str, Tensor]) -> list[int]:
    """The `sizes` of the generator that these weights belong to, read from the shapes of its convolutions.

    A size's channels are what most of the convolutions around it say, so that a missing or misshapen one among them
    can still be named.
    """
    found = {key: re.fullmatch(r"layer(\d+)\.conv\.weight", key) for key in weights}
    shapes = {int(match[1]): weights[key].shape for key, match in found.items() if match and weights[key].ndim == 4}
    if 1 not in shapes:
        raise UserError(
            f"{len(shapes)} convolutions named layerK.conv.weight or features.K.conv.weight, the first not among them; "
            "wrong family or checkpoint?"
        )
    sizes = [shapes[1][1]]
    for k in range(1, max(shapes) + 1, 2):
        said = [shapes[j][side] for j, side in ((k, 0), (k + 1, 0), (k + 1, 1), (k + 2, 1)) if j in shapes]
        if not said:
            raise UserError(f"missing: layer{k}.conv.weight, layer{k + 1}.conv.weight; is the checkpoint whole?")
        sizes.append(mode(said))
    return sizes
