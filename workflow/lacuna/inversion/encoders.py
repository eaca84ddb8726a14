"""Encoders: networks that run the layers of a generator backwards.

`LayerEncoder` e_k inverts one layer, r_k -> r_{k-1}; `TailEncoder` inverts generator_tail, x -> r_n; `composed` chains
them to E(x) = e_1(... e_n(e_tail(x))). No encoder normalises over the batch: what it says of an image does not depend
on the others.

A LayerEncoder is the sum of a linear map and a network that corrects it. The linear map sees the layer's output before
its activation (`expand`), so for a layer that is linear up to its activation it can be solved for by least squares;
the correction starts at zero.

Shape suffixes: N images, C channels, H height, W width.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.networks.layers import LEAK, pixel_norm

Shape = tuple[int, ...]  # of one image's tensor: (D,) or (C, H, W)
Layout = tuple[Shape, ...]  # of one image's r: one tensor, or several that are packed into a row of numbers


class PixelNorm(nn.Module):
    """Mean square 1 over the channels at each position of (N, C, ...); a vector (N, D) gets length sqrt(D)."""

    def forward(self, r: Tensor) -> Tensor:
        return pixel_norm(r)


class LayerEncoder(nn.Module):
    """e_k: r_k of `shape_in` -> r_{k-1} of `shape_out`; the two may differ in resolution.

    Args:
        width: channels of the correcting network.
        context: side of the linear map's window where the resolution stays, in positions; odd.
        on_sphere: give the result length sqrt(D), for a layer that ignores the length of its input (a ProGAN
            normalises z before using it, so that the length is lost).
    """

    def __init__(self, shape_in: Shape, shape_out: Shape, width: int, context: int, on_sphere: bool = False) -> None:
        super().__init__()
        self.on_sphere = on_sphere
        if len(shape_out) == 1:
            self.linear, self.correction = _to_vector(shape_in, shape_out, width)
        else:
            self.linear, self.correction = _to_maps(shape_in, shape_out, width, context)

    def forward(self, r: Tensor) -> Tensor:
        u = self.expand(r)
        estimate = self.linear(u) + self.correction(u)
        return pixel_norm(estimate) if self.on_sphere else cast(Tensor, estimate)

    @staticmethod
    def expand(r: Tensor) -> Tensor:
        """Undo a leaky ReLU of slope `LEAK`; a harmless one-to-one map where the layer ends in something else."""
        return torch.where(r < 0, r / LEAK, r)


class TailEncoder(nn.Module):
    """e_tail: x (N, 3, S, S) in [-1, 1] -> r_n of `shape_out`.

    Halves the resolution until it fits; channels double each time, from `width` up to 4 times that. All else happens
    at the coarse end, where a pixel costs least.
    """

    def __init__(self, size: int, shape_out: Shape, width: int) -> None:
        super().__init__()
        halvings = (size // shape_out[-1]).bit_length() - 1
        if len(shape_out) != 3 or shape_out[-1] << halvings != size:
            raise UserError(f"images of {size} pixels cannot be halved to r_n of shape {shape_out}; use another n")
        blocks: list[nn.Module] = []
        channels = 3
        for k in range(halvings):
            wider = min(width << k, 4 * width)
            blocks += [_conv(channels, wider, 4, stride=2), nn.LeakyReLU(LEAK), PixelNorm()]
            channels = wider
        blocks += [Residual(channels), Residual(channels), PixelNorm(), _conv(channels, shape_out[0], 3)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x_N3HW: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(x_N3HW.contiguous(memory_format=torch.channels_last)))


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            PixelNorm(), _conv(channels, channels, 3), nn.LeakyReLU(LEAK), _zero(_conv(channels, channels, 3))
        )

    def forward(self, r_NCHW: Tensor) -> Tensor:
        return cast(Tensor, r_NCHW + self.branch(r_NCHW))


class PackedEncoder(nn.Module):
    """e_k, or e_tail, where a state has several tensors: packed r_k, or x, -> packed r_{k-1}, or r_n.

    A vector that the layer only hands on, such as StyleGAN's w, is handed back; all else is estimated from the first
    tensor, the features.

    Args:
        first: for e_tail the network that makes the first tensor of x; its others are estimated from that one.
    """

    def __init__(
        self, before: Layout, after: Layout, width: int, context: int, on_sphere: bool, first: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.before, self.after, self.first = before, after, first
        features = after[0] if first is not None else before[0]
        own = [shape for number, shape in enumerate(after) if self._source(number) is None]
        self.estimates = nn.ModuleList([LayerEncoder(features, shape, width, context, on_sphere) for shape in own])

    def forward(self, r: Tensor) -> Tensor:
        parts = (self.first(r),) if self.first is not None else self._split(r)
        estimates, found = iter(self.estimates), []
        for number in range(len(self.after)):
            source = self._source(number)
            found.append(next(estimates)(parts[0]) if source is None else parts[source])
        return found[0] if len(found) == 1 else torch.cat([part.flatten(1) for part in found], dim=1)

    def _source(self, number: int) -> int | None:
        """Which tensor that comes in goes out as tensor `number`, unchanged; None for one to be estimated."""
        if self.first is not None:
            return 0 if number == 0 else None
        shape = self.after[number]
        return self.before.index(shape) if len(shape) == 1 and len(self.before) > 1 and shape in self.before else None

    def _split(self, r: Tensor) -> tuple[Tensor, ...]:
        if len(self.before) == 1:
            return (r,)
        parts = r.split([torch.Size(shape).numel() for shape in self.before], dim=1)
        return tuple(part.unflatten(1, shape) for part, shape in zip(parts, self.before, strict=True))


def composed(
    layouts: Sequence[Layout], size: int, width: int, tail_width: int, context: int, on_sphere: bool
) -> nn.Sequential:
    """E: x -> z, children `tail`, `layer_n`, ..., `layer_1`; what child `layer_k` puts out is the estimate of r_{k-1}.

    Args:
        layouts: of r_0 = z, r_1, ..., r_n.
        on_sphere: as in LayerEncoder, for layer 1.
    """
    last = layouts[-1]
    tail: nn.Module = TailEncoder(size, last[0], tail_width)
    if len(last) > 1:
        tail = PackedEncoder(last, last, width, context, False, tail)
    parts: OrderedDict[str, nn.Module] = OrderedDict(tail=tail)
    for k in range(len(layouts) - 1, 0, -1):
        parts[f"layer_{k}"] = _layer_encoder(layouts[k], layouts[k - 1], width, context, on_sphere and k == 1)
    return nn.Sequential(parts)


def _layer_encoder(before: Layout, after: Layout, width: int, context: int, on_sphere: bool) -> nn.Module:
    if len(before) == len(after) == 1:
        return LayerEncoder(before[0], after[0], width, context, on_sphere)
    return PackedEncoder(before, after, width, context, on_sphere)


def _to_vector(shape_in: Shape, shape_out: Shape, width: int) -> tuple[nn.Sequential, nn.Sequential]:
    inputs = torch.Size(shape_in).numel()
    linear = nn.Sequential(nn.Flatten(), _level(nn.Linear(inputs, shape_out[0])))
    correction = nn.Sequential(
        nn.Flatten(), PixelNorm(), nn.Linear(inputs, width), nn.LeakyReLU(LEAK), _zero(nn.Linear(width, shape_out[0]))
    )
    return linear, correction


def _to_maps(shape_in: Shape, shape_out: Shape, width: int, context: int) -> tuple[nn.Sequential, nn.Sequential]:
    if len(shape_in) != 3:
        raise UserError(f"a layer that turns maps {shape_out} into a vector {shape_in} has no inverse here")
    linear = _resampling(shape_in, shape_out, shape_out[0], context)
    _level(linear[-1])
    correction = nn.Sequential(
        PixelNorm(), *_resampling(shape_in, shape_out, width, 3), nn.LeakyReLU(LEAK),
        PixelNorm(), _conv(width, width, 3), nn.LeakyReLU(LEAK),
        PixelNorm(), _zero(_conv(width, shape_out[0], 1)),
    )  # fmt: skip
    return linear, correction


def _resampling(shape_in: Shape, shape_out: Shape, channels: int, context: int) -> nn.Sequential:
    """A convolution from one resolution to the other; where it falls, windows overlap by half."""
    factor = max(shape_in[-1] // shape_out[-1], 1)
    if shape_out[-1] > shape_in[-1]:
        enlarge = nn.Upsample(size=shape_out[1:], mode="nearest")
        return nn.Sequential(enlarge, _conv(shape_in[0], channels, context))
    kernel = context if factor == 1 else factor + 2 * (factor // 2)
    return nn.Sequential(_conv(shape_in[0], channels, kernel, stride=factor))


def _conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=(kernel - stride + 1) // 2)
    nn.init.kaiming_normal_(conv.weight, a=LEAK)
    nn.init.zeros_(cast(Tensor, conv.bias))
    return conv


def _level(layer: nn.Module) -> nn.Module:
    """Random weights that keep the mean square of r; those of an activation's input would let it grow by `expand`."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    expanded = (1 + LEAK**-2) / 2  # mean square of what `expand` makes of standard normal numbers
    nn.init.normal_(layer.weight, std=(layer.weight[0].numel() * expanded) ** -0.5)
    return layer


def _zero(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
