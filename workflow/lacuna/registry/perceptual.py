"""Every known family of perceptual networks, and how to load it."""

import re
from collections.abc import Callable
from pathlib import Path

import torch

from lacuna.formats import checkpoints
from lacuna.models.perceptual import PerceptualNetwork, Vgg16
from lacuna.registry.segmenters import load_segmenter


def load_perceptual(family: str, checkpoint: str | Path, device: str | torch.device = "cpu") -> PerceptualNetwork:
    """A perceptual network, its weights fixed, on `device`.

    Raises:
        ValueError: unknown family, or weights that do not fit.
    """
    if family not in PERCEPTUAL:
        raise ValueError(f"unknown perceptual family {family!r}; known: {', '.join(sorted(PERCEPTUAL))}")
    return PERCEPTUAL[family](checkpoint, device)


def load_upernet(checkpoint: str | Path, device: str | torch.device) -> PerceptualNetwork:
    """The backbone of a segmenter."""
    return load_segmenter("upernet", checkpoint, device)


def load_vgg16(checkpoint: str | Path, device: str | torch.device) -> PerceptualNetwork:
    """VGG16 from a state dict with keys `features.N.weight`; what lies behind the fourth stage is not needed."""
    state, _ = checkpoints.load_weights(checkpoint)
    network = Vgg16()
    numbered = {re.sub(r"^features\.", "layers.", key): value for key, value in state.items()}
    beyond = re.compile(rf"layers\.({'|'.join(str(k) for k in range(len(network.layers), 31))})\.|classifier\.")
    wanted = {key: value for key, value in numbered.items() if not beyond.match(key)}
    checkpoints.load_strict(network, wanted, checkpoint)
    return network.to(device).eval().requires_grad_(False)


PERCEPTUAL: dict[str, Callable[[str | Path, str | torch.device], PerceptualNetwork]] = {
    "upernet": load_upernet,
    "vgg16": load_vgg16,
}
