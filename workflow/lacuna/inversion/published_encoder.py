"""The published encoder of a 256-pixel progressive GAN: x -> r_4 -> r_3 -> r_2 -> r_1 -> z.

A ResNet-18 whose classifier is one convolution makes r_4 of the image; `inv4` to `inv1` undo the generator's layers.
Names and shapes are those of the published weights. It normalises over the batch while it is trained.

Shape suffixes: N images, C channels, H height, W width.

Source:
    Bau et al. 2019, arXiv:1910.11626; He et al. 2015, arXiv:1512.03385.
"""

from collections import OrderedDict

from torch import nn

from lacuna.inversion.encoders import PixelNorm, Shape
from lacuna.networks.layers import LEAK
from lacuna.networks.resnet import BasicBlock, residual_layer

CHANNELS = 512
SHAPES: list[Shape] = [(512,), (512, 4, 4), (512, 4, 4), (512, 8, 8), (512, 8, 8)]  # of z, r_1, ..., r_4
IMAGE_SIZE = 256  # pixels


class HybridEncoder(nn.Sequential):
    """E: x (N, 3, 256, 256) in [-1, 1] -> z (N, 512); children in the order of `SHAPES` from its end."""

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                resnet=_resnet18(),
                inv4=_layer_inverse(),
                inv3=_layer_inverse(stride=2),
                inv2=_layer_inverse(last=False),
                inv1=_latent_inverse(),
            )
        )


def _resnet18() -> nn.Sequential:
    """Image -> r_4, 32 times smaller than the image."""
    widths = (64, 128, 256, CHANNELS)
    stages = {
        f"layer{number}": residual_layer(BasicBlock, widths[max(number - 2, 0)], width, 2, 1 if number == 1 else 2)
        for number, width in enumerate(widths, start=1)
    }
    last = OrderedDict(conv5=nn.Conv2d(CHANNELS, CHANNELS, 1), relu5=nn.LeakyReLU(LEAK))
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(widths[0]),
            relu=nn.ReLU(),
            maxpool=nn.MaxPool2d(3, stride=2, padding=1),
            **stages,
            layer5=nn.Sequential(last),
        )
    )


def _layer_inverse(stride: int = 1, last: bool = True) -> nn.Sequential:
    """r_k -> r_(k-1), `stride` times smaller; without its `last` convolution for layer 2, as published."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        pnorm=PixelNorm(),
        conv1=nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), bn1=nn.BatchNorm2d(CHANNELS), relu1=nn.LeakyReLU(LEAK),
        conv2=nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), bn2=nn.BatchNorm2d(CHANNELS), relu2=nn.LeakyReLU(LEAK),
    )  # fmt: skip
    if last:
        parts["conv3"] = nn.Conv2d(CHANNELS, CHANNELS, 1, stride=stride)
    return _initialised(nn.Sequential(parts))


def _latent_inverse() -> nn.Sequential:
    """r_1 (N, 512, 4, 4) -> z (N, 512) of length sqrt(512)."""
    parts = OrderedDict(
        pnorm=PixelNorm(), conv1=nn.Conv2d(CHANNELS, CHANNELS, 4), bn1=nn.BatchNorm2d(CHANNELS),
        relu1=nn.LeakyReLU(LEAK), conv2=nn.Conv2d(CHANNELS, CHANNELS, 1), pnormout=PixelNorm(), flat=nn.Flatten(),
    )  # fmt: skip
    return _initialised(nn.Sequential(parts))


def _initialised(inverse: nn.Sequential) -> nn.Sequential:
    for part in inverse:
        if isinstance(part, nn.Conv2d):
            assert part.bias is not None
            nn.init.kaiming_normal_(part.weight)
            nn.init.zeros_(part.bias)
    return inverse
