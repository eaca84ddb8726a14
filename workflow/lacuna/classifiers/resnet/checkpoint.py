"""Weights of a classifier that train_classifier made: one file that says all about itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lacuna.classifiers.classifier import Classifier
from lacuna.classifiers.resnet.model import ResidualClassifier
from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.networks.folding import fold_batch_norms

METADATA_FORMAT = "lacuna-classifier/1"


def metadata(classes: list[str], architecture: Mapping[str, Any], size: int, **more: Any) -> dict[str, Any]:
    """What a weights file must say so that it can be loaded from itself alone."""
    return {"format": METADATA_FORMAT, "classes": classes, "architecture": dict(architecture), "size": size, **more}


def load(checkpoint: str | Path, settings: Mapping[str, Any], device: torch.device) -> Classifier:
    """A classifier that train_classifier made: one safetensors file that says all about itself."""
    weights, found = checkpoints.load_weights(checkpoint)
    if found.get("format") != METADATA_FORMAT:
        raise UserError(
            f"{checkpoint}: metadata says format {found.get('format')!r}, expected {METADATA_FORMAT}; "
            "give weights that train_classifier wrote, or another family"
        )
    network = ResidualClassifier(found["architecture"], len(found["classes"]))
    checkpoints.load_strict(network, weights, checkpoint)
    network.eval().requires_grad_(False)
    fold_batch_norms(network)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Classifier(lambda x_N3HW: network(x_N3HW * 2 - 1), found["classes"], found["size"], device)
