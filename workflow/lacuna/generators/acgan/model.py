"""The generator of the AC-GAN: G(c, z), a latent vector and a class in, an image of that class out.

(c, z) -> layer1 (4x4 pixels) -> layer2 -> ... -> output_HxW -> x in [-1, 1]. Every layer after the first doubles the
size by a 5x5 transposed convolution. c comes as one number per class, of which one is 1; see `with_class`.

Shape suffixes: N images, D latent numbers, K classes, C channels, H height, W width.

Source:
    Odena et al. 2017, arXiv:1610.09585, appendix A; that the first map has 4x4 pixels is ours, it is not said there.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.generators.chain import Generator

FIRST_SIZE = 4  # pixels; the size that layer1 makes
KERNEL = 5
INITIAL_STD = 0.02
VARIANCE_EPSILON = 1e-5


class ClassLayer(nn.Module):
    """(c, z) -> r_1: linear, ReLU. `classes` are the labels that the places of c stand for."""

    classes: Tensor

    def __init__(self, z_dim: int, classes: Sequence[int], channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(len(classes) + z_dim, channels * FIRST_SIZE**2)
        self.register_buffer("classes", torch.tensor(list(classes), dtype=torch.int64))
        _initialise(self.linear)

    def forward(self, cz_ND: Tensor) -> Tensor:
        return F.relu(self.linear(cz_ND)).unflatten(1, (-1, FIRST_SIZE, FIRST_SIZE))


class BatchNorm(nn.Module):
    """Batch norm whose fixed mean and variance are measured by `calibrate`, not followed while training.

    So nothing but weights changes from step to step, and the averaged generator has statistics of its own.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(1 + INITIAL_STD * torch.randn(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(x_NCHW, None, None, self.weight, self.bias, training=True, eps=VARIANCE_EPSILON)
        return F.batch_norm(x_NCHW, self.mean, self.variance, self.weight, self.bias, eps=VARIANCE_EPSILON)


class UpscaleLayer(nn.Module):
    """r_k -> r_(k+1) at twice the size: transposed convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = _doubling(in_channels, out_channels)
        self.norm = BatchNorm(out_channels)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        x_NCHW = x_NCHW.contiguous(memory_format=torch.channels_last)
        return F.relu(self.norm(self.conv(x_NCHW)))


class OutputLayer(nn.Module):
    """r_n -> x (N, 3, H, W) at twice the size: transposed convolution, tanh."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = _doubling(in_channels, 3)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        return torch.tanh(self.conv(x_NCHW))


class ClassGenerator(Generator):
    """(c, z) -> x.

    Args:
        sizes: number of latent numbers, then of channels at 4, 8, 16, ... pixels; the image is twice the last.
        classes: labels that it can draw.
    """

    def __init__(self, sizes: Sequence[int], classes: Sequence[int]) -> None:
        layers: list[nn.Module] = [ClassLayer(sizes[0], classes, sizes[1])]
        layers += [UpscaleLayer(before, after) for before, after in pairwise(sizes[1:])]
        named = OrderedDict((f"layer{k}", layer) for k, layer in enumerate(layers, start=1))
        self.sizes = list(sizes)
        self.z_dim = sizes[0]
        self.size = image_size(sizes)
        self.classes = tuple(classes)
        named[f"output_{self.size}x{self.size}"] = OutputLayer(sizes[-1])
        super().__init__(named)


class SplitGenerator(nn.Module):
    """Several class generators, each of other classes, as one: every image comes from the one that knows its class.

    Raises:
        UserError: two of them draw the same class, or they differ in z or in size.
    """

    def __init__(self, parts: Sequence[Generator]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.classes_of = [part.classes for part in parts]
        self.owners = {label: k for k, part in enumerate(parts) for label in part.classes}
        self.classes = tuple(sorted(self.owners))
        self.z_dim, self.size = parts[0].z_dim, parts[0].size
        repeated = sorted({label for part in parts for label in part.classes if parts[self.owners[label]] is not part})
        if repeated:
            raise UserError(f"class {repeated[0]} is drawn by several of the checkpoints, expected each by one")
        if len({(part.z_dim, part.size) for part in parts}) > 1:
            raise UserError("the checkpoints differ in latent numbers or image size, expected one architecture")

    def forward(self, z_ND: Tensor, label_N: Tensor) -> Tensor:
        """X (N, 3, H, W) of the labels."""
        x_N3HW = z_ND.new_empty(len(z_ND), 3, self.size, self.size)
        owner_N = torch.tensor([self.owners[label] for label in label_N.tolist()], device=z_ND.device)
        for k in owner_N.unique().tolist():
            part, rows = self.parts[k], (owner_N == k).nonzero().flatten()
            classes = self.classes_of[k]
            place_N = torch.tensor([classes.index(label) for label in label_N[rows].tolist()], device=z_ND.device)
            x_N3HW[rows] = part(with_class(z_ND[rows], place_N, len(classes)))
        return x_N3HW


def image_size(sizes: Sequence[int]) -> int:
    """Height and width in pixels of what a generator of these `sizes` makes."""
    return int(FIRST_SIZE * 2 ** (len(sizes) - 1))


def with_class(z_ND: Tensor, place_N: Tensor, num_classes: int) -> Tensor:
    """The input of G(c, z): (N, K + D), of which the first K are 0 but for a 1 at the class's place."""
    return torch.cat([F.one_hot(place_N, num_classes).to(z_ND), z_ND], dim=1)


@torch.no_grad()
def calibrated(generator: ClassGenerator, cz_ND: Tensor) -> ClassGenerator:
    """A copy in eval mode whose batch norms hold the mean and the variance that they have over this batch."""
    found = copy.deepcopy(generator).eval()
    x_NCHW = cz_ND
    for layer in found.children():
        if isinstance(layer, UpscaleLayer):
            variance, mean = torch.var_mean(layer.conv(x_NCHW), dim=(0, 2, 3), correction=0)
            layer.norm.mean.copy_(mean)
            layer.norm.variance.copy_(variance)
        x_NCHW = layer(x_NCHW)
    return found


def from_weights(weights: Mapping[str, Tensor]) -> tuple[ClassGenerator, dict[str, Tensor]]:
    """The network that `weights` belong to, not yet filled, and the weights under its names.

    Raises:
        UserError: these are no weights of an AC-GAN.
    """
    linear, classes = weights.get("layer1.linear.weight"), weights.get("layer1.classes")
    channels: list[int] = []
    while (weight := weights.get(f"layer{len(channels) + 2}.conv.weight")) is not None:
        channels.append(weight.shape[1])
    if linear is None or classes is None or linear.ndim != 2:
        raise UserError(
            "no weights named layer1.linear.weight and layer1.classes, expected those of an AC-GAN that "
            "train_generator made; wrong family or checkpoint?"
        )
    sizes = [linear.shape[1] - len(classes), linear.shape[0] // FIRST_SIZE**2, *channels]
    return ClassGenerator(sizes, classes.tolist()), dict(weights)


def _doubling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    conv = nn.ConvTranspose2d(
        in_channels, out_channels, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1,
    )  # fmt: skip
    _initialise(conv)
    return conv


def _initialise(layer: nn.Linear | nn.ConvTranspose2d) -> None:
    nn.init.normal_(layer.weight, std=INITIAL_STD)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
