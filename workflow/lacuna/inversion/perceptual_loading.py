"""Perceptual networks by family: the backbone of any segmenter, or VGG16."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lacuna import families
from lacuna.formats import checkpoints
from lacuna.inversion.perceptual import PerceptualNetwork, Vgg16
from lacuna.segmenters.loading import load_segmenter


def load_perceptual(
    family: str,
    checkpoint: str | Path,
    device: str | torch.device = "cpu",
    settings: Mapping[str, Any] | None = None,
) -> PerceptualNetwork:
    """A perceptual network, its weights fixed, on `device`.

    Args:
        settings: what a segmenter's entry says beside where its weights are.

    Raises:
        UserError: unknown family, or weights that do not fit.
    """
    found: PerceptualNetwork = families.loader("perceptual", family)(family, checkpoint, device, settings or {})
    return found


def load_backbone(
    family: str, checkpoint: str | Path, device: str | torch.device, settings: Mapping[str, Any]
) -> PerceptualNetwork:
    """The backbone of a segmenter."""
    return load_segmenter(family, checkpoint, device, settings=settings)


def load_vgg16(
    family: str, checkpoint: str | Path, device: str | torch.device, settings: Mapping[str, Any]
) -> PerceptualNetwork:
    """VGG16 from a state dict with the published keys."""
    state, _ = checkpoints.load_weights(checkpoint)
    network = Vgg16()
    checkpoints.load_strict(network, vgg16_weights(state), checkpoint)
    return network.to(device).eval().requires_grad_(False)


def vgg16_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keys `features.N.weight` as ours; what lies behind our last layer, `features.20`, is not needed."""
    behind = re.compile(r"features\.(2[1-9]|30)\.|classifier\.")
    return {re.sub(r"^features\.", "layers.", key): value for key, value in state.items() if not behind.match(key)}
