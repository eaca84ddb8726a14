"""Perceptual networks: feature maps in which images are compared.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

VGG16_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512))  # stages of configuration D, up to features.20


class PerceptualNetwork(Protocol):
    """What images are compared by. A segmenter is one, through its backbone."""

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """Maps (N, C, H, W) of images in [-1, 1], finest first; differentiable."""


class Vgg16(nn.Module):
    """VGG16 up to `features.20`, the ReLU after its ninth convolution; the last ReLU of each stage is a feature map.

    Images in [-1, 1] are taken as they are, without ImageNet's normalisation. Both are as Bau et al. have them.

    Source:
        Simonyan and Zisserman 2015, arXiv:1409.1556, configuration D.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential()  # numbered as `features.N` of the published weights
        self.ends: list[int] = []
        channels = 3
        for widths in VGG16_WIDTHS:
            if self.ends:
                self.layers.append(nn.MaxPool2d(2))
            for width in widths:
                self.layers.extend([nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()])
                channels = width
            self.ends.append(len(self.layers) - 1)

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """Four maps, finest first; the last is that of `features.20`."""
        maps = []
        for number, layer in enumerate(self.layers):
            x_N3HW = layer(x_N3HW)
            if number in self.ends:
                maps.append(x_N3HW)
        return maps
