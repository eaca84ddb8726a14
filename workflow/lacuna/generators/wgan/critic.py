"""What WGAN-GP needs beside its generator while it is trained: a critic, and batch norms that fit averaged weights.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.
"""

import copy
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lacuna.generators.progan.model import FIRST_SIZE
from lacuna.generators.wgan.model import AblationGenerator
from lacuna.networks.layers import LEAK, downscale_conv


class Critic(nn.Module):
    """Image -> score, the generator's mirror image: `sizes` are the generator's.

    Layer norm, since the gradient penalty is of each image's own score and batch norm would mix the images.

    Source:
        Gulrajani et al. 2017, arXiv:1704.00028, section 4 (no batch norm); Karras et al. 2018, arXiv:1710.10196,
        section 6.1 and table 2 (layers).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [CriticLayer(3, sizes[-1], kernel=1, norm=False)]
        for channels, fewer in pairwise(reversed(sizes[1:])):
            layers += [CriticLayer(channels, channels), HalvingLayer(channels, fewer)]
        layers += [CriticLayer(sizes[1], sizes[1]), CriticLayer(sizes[1], sizes[1], kernel=FIRST_SIZE, padding=0)]
        self.layers = nn.Sequential(*layers)
        self.score = nn.Linear(sizes[1], 1)

    def forward(self, x_N3HW: Tensor) -> Tensor:
        """X -> (N,) scores."""
        r_NC11: Tensor = self.layers(x_N3HW.contiguous(memory_format=torch.channels_last))
        scores_N1: Tensor = self.score(r_NC11.flatten(1))
        return scores_N1.flatten().float()


class CriticLayer(nn.Module):
    """Convolution, layer norm over each image's channels and places, leaky ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, padding: int | None = None, norm: bool = True
    ) -> None:
        super().__init__()
        self.padding = kernel // 2 if padding is None else padding
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.norm = nn.GroupNorm(1, out_channels) if norm else nn.Identity()
        nn.init.kaiming_normal_(self.weight, a=LEAK)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        return F.leaky_relu_(self.norm(self.convolve(x_NCHW)), LEAK)

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return F.conv2d(x_NCHW, self.weight, self.bias, padding=self.padding)


class HalvingLayer(CriticLayer):
    """The same to half the size: the mean of each 2x2 pixels is taken before the norm."""

    def convolve(self, x_NCHW: Tensor) -> Tensor:
        return downscale_conv(x_NCHW, self.weight, self.bias)


@torch.no_grad()
def settled(generator: AblationGenerator, z_ND: Tensor) -> AblationGenerator:
    """A copy in eval mode whose batch norms hold the statistics that its own features have over these z.

    Averaged weights make features of another mean and variance than the weights that were averaged, so the statistics
    are measured anew, not averaged along.
    """
    found = copy.deepcopy(generator).train()
    norms = [module for module in found.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0  # this batch alone counts
    found(z_ND)
    return found.eval()
