"""Every known family of perceptual networks, and how to load it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.inversion.perceptual import PerceptualNetwork, Vgg16
from lacuna.segmenters.loading import load_segmenter


def load_perceptual(family: str, checkpoint: str | Path, device: str | torch.device = "cpu") -> PerceptualNetwork:
    """A perceptual network, its weights fixed, on `device`.

    Raises:
        UserError: unknown family, or weights that do not fit.
    """
    if family not in PERCEPTUAL:
        raise UserError(f"unknown perceptual family {family!r}; known: {', '.join(sorted(PERCEPTUAL))}")
    return PERCEPTUAL[family](checkpoint, device)


def load_upernet(checkpoint: str | Path, device: str | torch.device) -> PerceptualNetwork:
    """The backbone of a segmenter."""
    return load_segmenter("upernet", checkpoint, device)


def load_upp(checkpoint: str | Path, device: str | torch.device) -> PerceptualNetwork:
    """The backbone of the published segmenter."""
    return load_segmenter("upp", checkpoint, device)


def load_vgg16(checkpoint: str | Path, device: str | torch.device) -> PerceptualNetwork:
    """VGG16 from a state dict with the published keys."""
    state, _ = checkpoints.load_weights(checkpoint)
    network = Vgg16()
    checkpoints.load_strict(network, vgg16_weights(state), checkpoint)
    return network.to(device).eval().requires_grad_(False)


def vgg16_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keys `features.N.weight` as ours; what lies behind our last layer, `features.20`, is not needed."""
    behind = re.compile(r"features\.(2[1-9]|30)\.|classifier\.")
    return {re.sub(r"^features\.", "layers.", key): value for key, value in state.items() if not behind.match(key)}


PERCEPTUAL: dict[str, Callable[[str | Path, str | torch.device], PerceptualNetwork]] = {
    "upernet": load_upernet,
    "upp": load_upp,
    "vgg16": load_vgg16,
}
