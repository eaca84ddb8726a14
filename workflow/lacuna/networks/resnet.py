"""Residual networks with a stem of three convolutions, as segmenters use them.

The attribute names are those of the published checkpoints: conv1 bn1 conv2 bn2 conv3 bn3 layer1 ... layer4.

Shape suffixes: N images, C channels, H and W size of the map.
Source: He et al. 2015, arXiv:1512.03385; the deep stem of Zhou et al. 2017 (ADE20K), arXiv:1608.05442.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size of the map (divided by the stride), without bias."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


class Projection(nn.Conv2d):
    """A 1x1 convolution of every `stride`-th pixel, without bias.

    The pixels are chosen first: with a stride of its own, and fewer than 8 channels in, the gradient of its weights is
    written beyond its buffer by oneDNN 3.12 (torch 2.13) on CPUs with AVX2 and without AVX-512.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, kernel_size=1, bias=False)
        self.every = stride

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride), rounded up."""
        return super().forward(x_NCHW[:, :, :: self.every, :: self.every])


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x_NCHW: Tensor) -> Tensor:
        shortcut = x_NCHW if self.downsample is None else self.downsample(x_NCHW)
        x_NCHW = functional.relu_(self.bn1(self.conv1(x_NCHW)))
        return functional.relu_(self.bn2(self.conv2(x_NCHW)) + shortcut)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 convolutions beside a shortcut; the output is four times as wide."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = downsample

    def forward(self, x_NCHW: Tensor) -> Tensor:
        shortcut = x_NCHW if self.downsample is None else self.downsample(x_NCHW)
        x_NCHW = functional.relu_(self.bn1(self.conv1(x_NCHW)))
        x_NCHW = functional.relu_(self.bn2(self.conv2(x_NCHW)))
        return functional.relu_(self.bn3(self.conv3(x_NCHW)) + shortcut)


Block = BasicBlock | Bottleneck
BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}


class ResNet(nn.Module):
    """Image -> four maps, each half as large as the one before.

    Args:
        block: "basic" or "bottleneck".
        depths: blocks in layer1 ... layer4.
        stem_widths: channels of the stem's three convolutions.
        widths: channels inside the blocks of layer1 ... layer4.
        stem_stride: how far the stem reduces; 4 (published: a strided convolution and max pooling), 2 (the convolution
            alone) or 1, which keeps the finest map at full size: at 64 pixels no fence survives the published stem.
    """

    def __init__(
        self,
        block: str = "bottleneck",
        depths: Sequence[int] = (3, 4, 6, 3),
        stem_widths: Sequence[int] = (64, 64, 128),
        widths: Sequence[int] = (64, 128, 256, 512),
        stem_stride: int = 4,
    ) -> None:
        super().__init__()
        self.stride = 8 * stem_stride  # of the coarsest map
        first, second, third = stem_widths
        self.conv1 = conv3x3(3, first, stride=min(stem_stride, 2))
        self.bn1 = nn.BatchNorm2d(first)
        self.conv2 = conv3x3(first, second)
        self.bn2 = nn.BatchNorm2d(second)
        self.conv3 = conv3x3(second, third)
        self.bn3 = nn.BatchNorm2d(third)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1) if stem_stride == 4 else nn.Identity()
        inputs = third
        for number, (width, depth) in enumerate(zip(widths, depths, strict=True), start=1):
            stride = 1 if number == 1 else 2
            self.add_module(f"layer{number}", residual_layer(BLOCKS[block], inputs, width, depth, stride))
            inputs = width * BLOCKS[block].expansion
        self.out_widths = [width * BLOCKS[block].expansion for width in widths]

    def forward(self, x_N3HW: Tensor) -> list[Tensor]:
        x_NCHW = functional.relu_(self.bn1(self.conv1(x_N3HW)))
        x_NCHW = functional.relu_(self.bn2(self.conv2(x_NCHW)))
        x_NCHW = self.maxpool(functional.relu_(self.bn3(self.conv3(x_NCHW))))
        maps = []
        for number in range(1, 5):
            x_NCHW = self.get_submodule(f"layer{number}")(x_NCHW)
            maps.append(x_NCHW)
        return maps


def residual_layer(block: type[Block], inputs: int, width: int, depth: int, stride: int) -> nn.Sequential:
    """`depth` blocks, the first of which changes size and width."""
    outputs = width * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(Projection(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, width, stride, downsample)]
    blocks += [block(outputs, width, 1, None) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
