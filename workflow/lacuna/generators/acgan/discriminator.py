"""The discriminator of the AC-GAN: is an image real, and of which class is it?

Six convolutions of 3x3 pixels, every other one halving the map. It needs help against knowing the real images by
heart: dropout, and noise on what each layer sees.

Shape suffixes: N images, K classes, C channels, H height, W width.

Source:
    Odena et al. 2017, arXiv:1610.09585, appendix A.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2  # slope of the leaky ReLU on negative inputs
INITIAL_STD = 0.02
STRIDES = (2, 1, 2, 1, 2, 1)


class ClassDiscriminator(nn.Module):
    """Image -> score of being real, and a score for each class.

    Args:
        size: of the images in pixels.
        widths: channels of the six convolutions (published: 16, 32, 64, 128, 256, 512).
        num_classes: K.
        dropout: share of activations that are set to 0 after each convolution.
        noise: standard deviation of what is added to the input of each convolution.
    """

    def __init__(self, size: int, widths: Sequence[int], num_classes: int, dropout: float, noise: float) -> None:
        super().__init__()
        inputs = [3, *widths[:-1]]
        self.blocks = nn.ModuleList(
            Block(before, after, stride, dropout, noise, norm=k > 0)
            for k, (before, after, stride) in enumerate(zip(inputs, widths, STRIDES, strict=True))
        )
        self.heads = nn.Linear(widths[-1] * (size // 8) ** 2, 1 + num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=INITIAL_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        """X -> (N,) scores of the source, (N, K) scores of the classes."""
        x_NCHW = x_N3HW
        for block in self.blocks:
            x_NCHW = block(x_NCHW)
        scores = self.heads(x_NCHW.flatten(1)).float()
        return scores[:, 0], scores[:, 1:]


class Block(nn.Module):
    """Noise, convolution, batch norm (of the batch, always), leaky ReLU, dropout."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, dropout: float, noise: float, norm: bool
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(out_channels, track_running_stats=False) if norm else nn.Identity()
        self.dropout, self.noise = dropout, noise

    def forward(self, x_NCHW: Tensor) -> Tensor:
        if self.noise > 0:
            x_NCHW = x_NCHW + self.noise * torch.randn_like(x_NCHW)
        x_NCHW = self.conv(x_NCHW.contiguous(memory_format=torch.channels_last))
        return dropped(F.leaky_relu(self.norm(x_NCHW), LEAK), self.dropout)


def dropped(x_NCHW: Tensor, share: float) -> Tensor:
    """Dropout: a `share` of the activations, in steps of 1/256, is 0, the others that much larger.

    Four times as fast as torch's on CPUs: each of the eight bytes of a random integer decides about one activation.
    """
    if share == 0:
        return x_NCHW
    N, C, H, W = x_NCHW.shape
    draws = torch.empty(-(-x_NCHW.numel() // 8), dtype=torch.int64, device=x_NCHW.device).random_(-(2**63), None)
    kept = draws.view(torch.uint8)[: x_NCHW.numel()] >= round(256 * share)
    kept_NCHW = kept.view(N, H, W, C).permute(0, 3, 1, 2)  # in the order of memory
    return x_NCHW * kept_NCHW.to(x_NCHW.dtype).mul_(1 / (1 - share))
