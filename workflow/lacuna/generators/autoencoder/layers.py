"""Decoders of diffusers' autoencoders as chains of layers, and their encoders: z (N, D) is the latent in one row.

The layers are the library's own blocks, in its order, so that the chain computes what its `decode` does.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vq_model import VQModel
from torch import Tensor, nn

from lacuna.errors import UserError

Autoencoder = Any  # of one of these classes; mypy does not look into diffusers
CLASSES: dict[str, Any] = {kind.__name__: kind for kind in (AutoencoderDC, AutoencoderKL, AutoencoderTiny, VQModel)}


class Encoder(nn.Module):
    """E: x (N, 3, H, W) in [-1, 1] -> z (N, D): the latent, of a distribution its mode; scale and shift are left out.

    A latent diffusion model scales and shifts latents for its prior and undoes it before it decodes, so neither counts.
    """

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x_N3HW: Tensor) -> Tensor:
        return latents(self.model, x_N3HW).flatten(1)


def latents(model: Autoencoder, x_N3HW: Tensor) -> Tensor:
    """(N, C, h, w) of images; of VQModel before they are replaced by the codebook's, which its decoder does."""
    found = model.encode(x_N3HW)
    if isinstance(model, AutoencoderKL):
        mode: Tensor = found.latent_dist.mode()
        return mode
    z_NCHW: Tensor = found.latent if isinstance(model, AutoencoderDC) else found.latents
    return z_NCHW


def decoder_layers(model: Autoencoder, shape: tuple[int, ...]) -> "OrderedDict[str, nn.Module]":
    """Layers by name, in order; the first gets z (N, D).

    Args:
        shape: (C, h, w) of one image's latent.

    Raises:
        UserError: a decoder whose later layers need the latent, too.
    """
    rows, decoder = nn.Unflatten(1, shape), model.decoder
    if isinstance(model, AutoencoderTiny):
        return _tiny(model, rows)
    if isinstance(model, AutoencoderDC):
        first = nn.Sequential(rows, _RepeatedInput(decoder))
        return _named({"input": first}, decoder.up_blocks[::-1], _NormalisedOutput(decoder))
    if model.config.get("norm_type", "group") != "group":
        raise UserError(f"norm_type {model.config['norm_type']}, expected group; give another autoencoder")
    quantized = [_Quantized(model)] if isinstance(model, VQModel) else []
    parts = [rows, *quantized, model.post_quant_conv, decoder.conv_in]
    first = nn.Sequential(*(part for part in parts if part is not None))
    last = nn.Sequential(decoder.conv_norm_out, decoder.conv_act, decoder.conv_out)
    return _named({"input": first, "middle": decoder.mid_block}, decoder.up_blocks, last)


def _named(first: dict[str, nn.Module], ups: Iterable[nn.Module], last: nn.Module) -> "OrderedDict[str, nn.Module]":
    return OrderedDict(first | {f"up_{k}": layer for k, layer in enumerate(ups, start=1)} | {"output": last})


def _tiny(model: AutoencoderTiny, rows: nn.Module) -> "OrderedDict[str, nn.Module]":
    """Each layer ends in the convolution that follows an upsampling; the last one holds the rest."""
    parts: list[list[nn.Module]] = [[]]
    entrance, rest = list(model.decoder.layers)[:2], list(model.decoder.layers)[2:]
    for before, part in zip([None, *rest], rest, strict=False):
        parts[-1].append(part)
        if isinstance(before, nn.Upsample):
            parts.append([])
    first, last = nn.Sequential(rows, _Bounded(), *entrance), nn.Sequential(*parts[-1], _Signed())
    return _named({"input": first}, [nn.Sequential(*part) for part in parts[:-1]], last)


class _Quantized(nn.Module):
    """Latents replaced by the nearest of the codebook; their gradient goes through as if nothing had been done."""

    def __init__(self, model: VQModel) -> None:
        super().__init__()
        self.quantize = model.quantize

    def forward(self, z_NCHW: Tensor) -> Tensor:
        quantized: Tensor = self.quantize(z_NCHW)[0]
        return quantized


class _Bounded(nn.Module):
    """AutoencoderTiny's soft clamp of latents to (-3, 3)."""

    def forward(self, z_NCHW: Tensor) -> Tensor:
        return torch.tanh(z_NCHW / 3) * 3


class _Signed(nn.Module):
    """From [0, 1] to [-1, 1]."""

    def forward(self, x_N3HW: Tensor) -> Tensor:
        return x_N3HW.mul(2).sub(1)


class _RepeatedInput(nn.Module):
    """AutoencoderDC's first convolution, with the latent's channels repeated beside it where it has that shortcut."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.conv_in = decoder.conv_in
        self.repeats = int(decoder.in_shortcut_repeats) if decoder.in_shortcut else 0

    def forward(self, z_NCHW: Tensor) -> Tensor:
        r: Tensor = self.conv_in(z_NCHW)
        return r + z_NCHW.repeat_interleave(self.repeats, dim=1) if self.repeats else r


class _NormalisedOutput(nn.Module):
    """AutoencoderDC's last layer: the norm is over channels, at each position."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.norm_out, self.conv_act, self.conv_out = decoder.norm_out, decoder.conv_act, decoder.conv_out

    def forward(self, r_NCHW: Tensor) -> Tensor:
        x_N3HW: Tensor = self.conv_out(self.conv_act(self.norm_out(r_NCHW.movedim(1, -1)).movedim(-1, 1)))
        return x_N3HW
