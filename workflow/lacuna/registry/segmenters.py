"""Every known family of segmenters, and how to load it.

Shape suffixes: N images, H height, W width.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.models.folding import fold_batch_norms
from lacuna.models.parsing import NOTHING, PartBlock, best_class, num_part_channels, part_blocks, part_labels
from lacuna.models.upernet import UPerNet

METADATA_FORMAT = "lacuna-segmenter/1"


@dataclass(frozen=True)
class PixelNormalisation:
    """What the network sees of a pixel: (value in 0..255 - mean) / std, in its own channel order."""

    channels: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, x_N3HW: Tensor) -> Tensor:
        """Normalise RGB in 0..255."""
        if self.channels == "BGR":
            x_N3HW = x_N3HW.flip(1)
        mean, std = (x_N3HW.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (x_N3HW - mean) / std


SIGNED_RGB = PixelNormalisation("RGB", (127.5,) * 3, (127.5,) * 3)  # the chapel world's segmenters: [-1, 1]
PUBLISHED_BGR = PixelNormalisation("BGR", (102.9801, 115.9465, 122.7717), (1.0,) * 3)


@dataclass(frozen=True)
class Segmenter:
    """A parsing network, its vocabulary and its pixels.

    classes: names by category; of `object`, `part` and `material` the first is '-'. A label is a position in its list.
    part_owners: part -> object that it belongs to.
    size: pixels a side that it was trained for.
    """

    network: UPerNet
    classes: dict[str, list[str]]
    part_owners: dict[str, str]
    normalisation: PixelNormalisation
    size: int

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.network.parameters()).device

    @torch.no_grad()
    def label_maps(
        self, images_NHW3: NDArray[np.uint8] | Tensor, heads: Collection[str] = ("object",)
    ) -> dict[str, Tensor]:
        """Label maps of uint8 RGB images, for the `heads` that are asked for: (N, H, W) int64, and (N,) for the scene.

        Parts are decided within the object of the pixel, so `part` computes the object head too.
        """
        x_N3HW = torch.as_tensor(images_NHW3).to(self.device).permute(0, 3, 1, 2).float()
        needed = set(heads) | ({"object"} if "part" in heads else set())
        logits = self.network(self.normalisation(x_N3HW).contiguous(memory_format=torch.channels_last), needed)
        size = x_N3HW.shape[-2:]
        labels: dict[str, Tensor] = {
            head: best_class(logits[head], size) for head in ("object", "material") if head in needed
        }
        if "part" in heads:
            labels["part"] = part_labels(logits["part"], labels["object"], self.blocks)
        if "scene" in heads:
            labels["scene"] = logits["scene"].flatten(1).argmax(dim=1)
        return {head: labels[head] for head in heads}

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """The backbone's maps, finest first, of RGB images in [-1, 1]; differentiable."""
        maps: list[Tensor] = self.network.encoder(self.normalisation((x_N3HW + 1) * 127.5))
        return maps

    @property
    def blocks(self) -> list[PartBlock]:
        """Part channels by owner."""
        return part_blocks(self.classes["object"], self.classes["part"], self.part_owners)


def build_network(
    classes: Mapping[str, Sequence[str]], part_owners: Mapping[str, str], architecture: Mapping[str, Any]
) -> UPerNet:
    """An untrained network for this vocabulary; `architecture` holds `encoder`, `fpn_dim`, `ppm_dim`."""
    blocks = part_blocks(classes["object"], classes["part"], part_owners)
    channels = {category: len(names) for category, names in classes.items()} | {"part": num_part_channels(blocks)}
    return UPerNet(channels, architecture["encoder"], architecture["fpn_dim"], architecture["ppm_dim"])


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
        raise ValueError(
            f"{checkpoint}: metadata says format {found.get('format')!r}, expected {METADATA_FORMAT}; "
            "give weights that train_segmenter wrote, or another family"
        )
    classes, owners, pixels = found["classes"], found["part_owners"], found["pixels"]
    check_counts(classes, owners, state_dict, str(checkpoint), prefix="decoder.")
    network = build_network(classes, owners, found["architecture"])
    checkpoints.load_strict(network, state_dict, checkpoint)
    normalisation = PixelNormalisation(pixels["channels"], tuple(pixels["mean"]), tuple(pixels["std"]))
    return Segmenter(network, classes, owners, normalisation, found["size"])


def load_published(checkpoint: str | Path) -> Segmenter:
    """The published pair: `checkpoint` is the folder with labels.json, encoder_epoch_*.pth and decoder_epoch_*.pth."""
    folder = Path(checkpoint)
    labels_path = folder / "labels.json"
    if not labels_path.exists():
        raise FileNotFoundError(
            f"{folder}: no labels.json, expected it beside encoder_epoch_N.pth and decoder_epoch_N.pth"
        )
    labels = json.loads(labels_path.read_text(encoding="utf-8"))
    encoder, _ = checkpoints.load_weights(_only(folder, "encoder*.pth"))
    decoder, _ = checkpoints.load_weights(_only(folder, "decoder*.pth"))
    return published_segmenter(labels, encoder, decoder, str(folder))


def published_segmenter(
    labels: Mapping[str, Any], encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor], where: str
) -> Segmenter:
    """The published ResNet-50 UPerNet from its labels and two state dicts.

    Part channels follow the order of `object_part` in labels.json, for prediction and decoding alike.
    """
    owners = {f"{owner}-{part}": owner for owner, parts in labels["object_part"].items() for part in parts[1:]}
    classes = {category: list(labels[category]) for category in ("object", "material", "scene")}
    classes["part"] = [NOTHING, *owners]
    check_counts(classes, owners, decoder, where)
    network = build_network(classes, owners, {"encoder": {}, "fpn_dim": 512, "ppm_dim": 512})
    checkpoints.load_strict(network.encoder, encoder, f"{where} (encoder)")
    checkpoints.load_strict(network.decoder, decoder, f"{where} (decoder)")
    return Segmenter(network, classes, owners, PUBLISHED_BGR, 256)


def check_counts(
    classes: Mapping[str, Sequence[str]],
    part_owners: Mapping[str, str],
    state_dict: Mapping[str, Tensor],
    where: str,
    prefix: str = "",
) -> None:
    """Raise a ValueError if the heads have other numbers of classes than the labels."""
    blocks = part_blocks(classes["object"], classes["part"], part_owners)
    expected = {category: len(names) for category, names in classes.items()} | {"part": num_part_channels(blocks)}
    for category, count in expected.items():
        key = f"{prefix}{category}_head.{2 if category == 'scene' else 1}.weight"
        if key in state_dict and len(state_dict[key]) != count:
            raise ValueError(
                f"{where}: the {category} head has {len(state_dict[key])} classes, its labels {count}; "
                "give the labels that belong to these weights"
            )


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder}: {len(found)} files {pattern}, expected exactly one; run fetch")
    return found[0]


SEGMENTERS: dict[str, Callable[[str | Path], Segmenter]] = {"upernet": load_upernet, "upp": load_published}


def load_segmenter(family: str, checkpoint: str | Path, device: str | torch.device = "cpu") -> Segmenter:
    """Load a segmenter, ready to be used: eval mode, batch norms folded, no gradients of weights."""
    if family not in SEGMENTERS:
        raise ValueError(f"unknown segmenter family {family!r}; known: {', '.join(sorted(SEGMENTERS))}")
    segmenter = SEGMENTERS[family](checkpoint)
    segmenter.network.eval().requires_grad_(False)
    fold_batch_norms(segmenter.network)
    segmenter.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return segmenter
