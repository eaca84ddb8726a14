"""UPerNet: one network that parses scenes into objects, their parts, and materials, and names the scene.

A residual network's four maps; pyramid pooling on the coarsest; a top-down feature pyramid; its levels fused at the
finest size; one head per question. Attribute names are those of the published checkpoints. Three exact savings: only
the heads that are asked for are computed, the pyramid's 1x1 convolutions run before upsampling instead of after, and
the fusion convolution runs at each level's own size where that is less work (see `fused_convolution`).

Shape suffixes: N images, C channels, D channels of the pyramid, H and W size of the map, K classes.
Source: Xiao et al. 2018, arXiv:1807.10221.
"""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lacuna.networks.resnet import ResNet, conv3x3
from lacuna.segmenters.upernet.prroi import prroi_pool

POOL_BINS = (1, 2, 3, 6)
HEADS = ("object", "part", "material", "scene")


def conv_bn_relu(inputs: int, outputs: int, kernel_size: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU, numbered 0, 1, 2."""
    if kernel_size == 3:
        convolution = conv3x3(inputs, outputs)
    else:
        convolution = nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def pixel_head(inputs: int, classes: int) -> nn.Sequential:
    """Logits of each pixel."""
    return nn.Sequential(conv_bn_relu(inputs, inputs, 3), nn.Conv2d(inputs, classes, kernel_size=1))


def resized(x_NCHW: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear interpolation to `size` = (height, width), pixel centres at half-integers."""
    if tuple(x_NCHW.shape[-2:]) == tuple(size):
        return x_NCHW
    return functional.interpolate(x_NCHW, size=tuple(size), mode="bilinear", align_corners=False)


def upsampling_matrix(size: int, larger: int) -> Tensor:
    """Bilinear interpolation of a line, as a matrix: (larger, size) float32."""
    return resized(torch.eye(size)[:, None, :, None], (larger, 1))[:, 0, :, 0].T


def shifted_upsampling(size: int, larger: int) -> Tensor:
    """Upsampling followed by a 3-tap filter's zero-padded shifts: (larger, 3 * size), taps beside each other."""
    up = functional.pad(upsampling_matrix(size, larger), (0, 0, 1, 1))
    return torch.cat([up[tap : tap + larger] for tap in range(3)], dim=1)


def fused_convolution(weight_DC33: Tensor, x_NCHW: Tensor, size: Sequence[int]) -> Tensor:
    """A 3x3 convolution (zero padding) of an upsampled map, computed at the map's own size.

    Mixing channels commutes with interpolation, so each of the nine taps is a 1x1 convolution at low resolution;
    upsampling and shifting are separable, hence two matrix products. Equal to the plain form, borders included.

    Returns:
        (N, D, height, width) for `size` = (height, width).
    """
    outputs, inputs = weight_DC33.shape[:2]
    height, width = x_NCHW.shape[-2:]
    rows = shifted_upsampling(height, size[0]).to(x_NCHW)
    columns = shifted_upsampling(width, size[1]).to(x_NCHW).split(width, dim=1)
    taps = weight_DC33.permute(3, 0, 2, 1).reshape(9 * outputs, inputs)  # ordered by column, channel, row
    fused = []
    for x_CL in x_NCHW.flatten(2):
        mixed = (taps @ x_CL).view(3, outputs * 3 * height, width)
        wide = sum(level @ tap.T for level, tap in zip(mixed, columns, strict=True))
        fused.append(rows @ wide.view(outputs, 3 * height, size[1]))
    return torch.stack(fused)


def saves_work(weight_DC33: Tensor, size: Sequence[int], larger: Sequence[int]) -> bool:
    """Whether `fused_convolution` takes less than half the multiplications of the plain form; never at equal sizes."""
    outputs, inputs = weight_DC33.shape[:2]
    (height, width), (full_height, full_width) = size, larger
    plain = 9 * inputs * outputs * full_height * full_width
    mixing = 9 * inputs * outputs * height * width
    upsampling = outputs * (9 * height * width * full_width + 3 * height * full_width * full_height)
    return mixing + upsampling < plain / 2


class UPerNetDecoder(nn.Module):
    """Four maps -> logits of the heads that are asked for.

    Args:
        in_widths: channels of the four maps, finest first.
        channels: output channels of each head; parts have a block of channels for each owner.
        fpn_dim: channels of the feature pyramid.
        ppm_dim: channels of each level of the pooling pyramid.
    """

    def __init__(self, in_widths: Sequence[int], channels: Mapping[str, int], fpn_dim: int, ppm_dim: int) -> None:
        super().__init__()
        coarsest = in_widths[-1]
        self.ppm_conv = nn.ModuleList(conv_bn_relu(coarsest, ppm_dim, 1) for _ in POOL_BINS)
        self.ppm_last_conv = conv_bn_relu(coarsest + len(POOL_BINS) * ppm_dim, fpn_dim, 3)
        self.fpn_in = nn.ModuleList(conv_bn_relu(width, fpn_dim, 1) for width in in_widths[:-1])
        self.fpn_out = nn.ModuleList(nn.Sequential(conv_bn_relu(fpn_dim, fpn_dim, 3)) for _ in in_widths[:-1])
        self.conv_fusion = conv_bn_relu(len(in_widths) * fpn_dim, fpn_dim, 3)
        self.scene_head = nn.Sequential(
            conv_bn_relu(fpn_dim, fpn_dim, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(fpn_dim, channels["scene"], 1)
        )
        self.object_head = pixel_head(fpn_dim, channels["object"])
        self.part_head = pixel_head(fpn_dim, channels["part"])
        self.material_head = pixel_head(fpn_dim, channels["material"])

    def forward(self, maps: Sequence[Tensor], heads: Collection[str] = HEADS) -> dict[str, Tensor]:
        """Logits of `heads` at the size of the finest map; (N, K, 1, 1) for the scene."""
        logits = {}
        context = self.pyramid_pooling(maps[-1])
        if "scene" in heads:
            logits["scene"] = self.scene_head(context)
        if set(heads) <= {"scene"}:
            return logits
        pyramid = self.feature_pyramid(maps, context, finest_only=set(heads) <= {"scene", "material"})
        if "material" in heads:
            logits["material"] = self.material_head(pyramid[0])
        if "object" in heads or "part" in heads:
            fused = self.fusion(pyramid)
            if "object" in heads:
                logits["object"] = self.object_head(fused)
            if "part" in heads:
                logits["part"] = self.part_head(fused)
        return logits

    def pyramid_pooling(self, x_NCHW: Tensor) -> Tensor:
        """The coarsest map beside its pooled versions, mixed: (N, D, H, W)."""
        levels = [x_NCHW]
        for bins, level in zip(POOL_BINS, self.ppm_conv, strict=True):
            convolution, norm, relu = level.children()
            pooled = resized(convolution(prroi_pool(x_NCHW, bins)), x_NCHW.shape[-2:])
            levels.append(relu(norm(pooled)))
        return self.ppm_last_conv(torch.cat(levels, dim=1))

    def feature_pyramid(self, maps: Sequence[Tensor], context: Tensor, finest_only: bool = False) -> list[Tensor]:
        """Levels of the pyramid, finest first; with `finest_only` the first alone."""
        level, pyramid = context, [context]
        for number in reversed(range(len(maps) - 1)):
            lateral = self.fpn_in[number](maps[number])
            level = lateral + resized(level, lateral.shape[-2:])
            if number == 0 or not finest_only:
                pyramid.append(self.fpn_out[number](level))
        return pyramid[::-1]

    def fusion(self, pyramid: Sequence[Tensor]) -> Tensor:
        """All levels at the finest size, mixed by one 3x3 convolution: (N, D, H, W)."""
        convolution, norm, relu = self.conv_fusion
        assert isinstance(convolution, nn.Conv2d)
        size, fpn_dim = pyramid[0].shape[-2:], pyramid[0].shape[1]
        pairs = list(zip(convolution.weight.split(fpn_dim, dim=1), pyramid, strict=True))
        small = [pair for pair in pairs if saves_work(pair[0], pair[1].shape[-2:], size)]
        plain = [pair for pair in pairs if not saves_work(pair[0], pair[1].shape[-2:], size)]
        weight = torch.cat([weight for weight, _ in plain], dim=1)
        levels = torch.cat([resized(level, size) for _, level in plain], dim=1)
        fused = functional.conv2d(levels, weight, convolution.bias, padding=1)
        for weight, level in small:
            fused += fused_convolution(weight, level, size)
        return relu(norm(fused))


class UPerNet(nn.Module):
    """Encoder and decoder in one.

    Args:
        channels: output channels of each head.
        encoder: keyword arguments of ResNet.
        fpn_dim, ppm_dim: see UPerNetDecoder.
    """

    def __init__(self, channels: Mapping[str, int], encoder: Mapping, fpn_dim: int = 512, ppm_dim: int = 512) -> None:
        super().__init__()
        self.encoder = ResNet(**encoder)
        self.decoder = UPerNetDecoder(self.encoder.out_widths, channels, fpn_dim, ppm_dim)

    def forward(self, x_N3HW: Tensor, heads: Collection[str] = HEADS) -> dict[str, Tensor]:
        return self.decoder(self.encoder(x_N3HW), heads)
