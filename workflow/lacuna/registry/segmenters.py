"""Every known family of segmenters, and how to load it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lacuna.formats import checkpoints
from lacuna.kit.errors import UserError
from lacuna.kit.precision import check_precision
from lacuna.models.folding import fold_batch_norms
from lacuna.models.segmenter import SIGNED_RGB, PixelNormalisation, Segmenter, build_network, check_counts
from lacuna.registry.upp import load_published

log = logging.getLogger(__name__)
METADATA_FORMAT = "lacuna-segmenter/1"
CPU = torch.device("cpu")


def metadata(
    classes: Mapping[str, Sequence[str]],
    part_owners: Mapping[str, str],
    architecture: Mapping[str, Any],
    size: int,
    **more: Any,
) -> dict[str, Any]:
    """What a weights file must say so that it can be loaded from itself alone."""
    pixels = {"channels": SIGNED_RGB.channels, "mean": list(SIGNED_RGB.mean), "std": list(SIGNED_RGB.std)}
    vocabulary = {"classes": {key: list(names) for key, names in classes.items()}, "part_owners": dict(part_owners)}
    return {
        "format": METADATA_FORMAT, "architecture": dict(architecture), "size": size, "pixels": pixels,
    } | vocabulary | more  # fmt: skip


def load_upernet(checkpoint: str | Path) -> Segmenter:
    """A segmenter that train_segmenter made: one safetensors file that says all about itself."""
    state_dict, found = checkpoints.load_weights(checkpoint)
    if found.get("format") != METADATA_FORMAT:
        raise UserError(
            f"{checkpoint}: metadata says format {found.get('format')!r}, expected {METADATA_FORMAT}; "
            "give weights that train_segmenter wrote, or another family"
        )
    classes, owners, pixels = found["classes"], found["part_owners"], found["pixels"]
    check_counts(classes, owners, state_dict, str(checkpoint), prefix="decoder.")
    network = build_network(classes, owners, found["architecture"])
    checkpoints.load_strict(network, state_dict, checkpoint)
    normalisation = PixelNormalisation(pixels["channels"], tuple(pixels["mean"]), tuple(pixels["std"]))
    return Segmenter(network, classes, owners, normalisation, found["size"])


SEGMENTERS: dict[str, Callable[[str | Path], Segmenter]] = {"upernet": load_upernet, "upp": load_published}


def load_segmenter(
    family: str, checkpoint: str | Path, device: str | torch.device = "cpu", precision: str = "float32"
) -> Segmenter:
    """Load a segmenter, ready to be used; see `ready`."""
    if family not in SEGMENTERS:
        raise UserError(f"unknown segmenter family {family!r}; known: {', '.join(sorted(SEGMENTERS))}")
    check_precision(precision, torch.device(device))
    log.info("%s segmenter %s in %s", family, checkpoint, precision)
    named = replace(SEGMENTERS[family](checkpoint), name=f"{family} segmenter {checkpoint}")
    return ready(named, torch.device(device), precision)


def ready(segmenter: Segmenter, device: torch.device = CPU, precision: str = "float32") -> Segmenter:
    """The segmenter in eval mode, batch norms folded, no gradients of weights, laid out in memory for its device."""
    network = segmenter.network.eval().requires_grad_(False).to(device)
    fold_batch_norms(network)
    fast = network if device.type != "cpu" else network.encoder
    fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return replace(segmenter, precision=precision)
