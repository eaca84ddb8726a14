"""Weights of a UPerNet that train_segmenter made: one file that says all about itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.segmenters.parsing_segmenter import SIGNED_RGB, ParsingSegmenter, build_network, check_counts
from lacuna.segmenters.pixels import PixelNormalisation

METADATA_FORMAT = "lacuna-segmenter/1"


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


def load(checkpoint: str | Path, settings: Mapping[str, Any]) -> ParsingSegmenter:
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
    return ParsingSegmenter(
        network, classes, owners, normalisation, found["size"], name=f"upernet segmenter {checkpoint}"
    )
