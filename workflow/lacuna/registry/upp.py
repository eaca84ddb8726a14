"""The published segmenter, `upp-resnet50-upernet`: labels.json beside the weights of its encoder and decoder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.models.parsing import NOTHING
from lacuna.models.segmenter import PixelNormalisation, Segmenter, build_network, check_counts

PUBLISHED_BGR = PixelNormalisation("BGR", (102.9801, 115.9465, 122.7717), (1.0,) * 3)
ARCHITECTURE = {"encoder": {}, "fpn_dim": 512, "ppm_dim": 512}
SIZE = 256
FILES = ("labels.json", "encoder*.pth", "decoder*.pth")  # of the folder that is the checkpoint
Vocabulary = tuple[dict[str, list[str]], dict[str, str]]


def load_published(checkpoint: str | Path) -> Segmenter:
    """The published pair: `checkpoint` is the folder with labels.json, encoder_epoch_N.pth and decoder_epoch_N.pth."""
    labels_path, encoder_path, decoder_path = published_files(checkpoint)
    try:
        labels = json.loads(labels_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{labels_path}: no JSON ({error}), expected the published labels; run fetch") from None
    encoder, _ = checkpoints.load_weights(encoder_path)
    decoder, _ = checkpoints.load_weights(decoder_path)
    return published_segmenter(labels, encoder, decoder, str(checkpoint))


def published_files(checkpoint: str | Path) -> list[Path]:
    """labels.json, encoder and decoder in the folder `checkpoint`.

    Raises:
        FileNotFoundError: one of them is missing, or there are several of a kind.
    """
    found = []
    for pattern in FILES:
        paths = sorted(Path(checkpoint).glob(pattern))
        if len(paths) != 1:
            names = ", ".join(path.name for path in paths) or "none"
            raise FileNotFoundError(
                f"{checkpoint}: {names} found for {pattern}, expected a folder with exactly one file for each of "
                f"{', '.join(FILES)}; run fetch, or put the file there"
            )
        found.append(paths[0])
    return found


def published_segmenter(
    labels: Mapping[str, Any], encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor], where: str
) -> Segmenter:
    """The published ResNet-50 UPerNet from its labels and two state dicts."""
    classes, owners = published_vocabulary(labels, where)
    check_counts(classes, owners, decoder, where)
    network = build_network(classes, owners, ARCHITECTURE)
    checkpoints.load_strict(network.encoder, encoder, f"{where} (encoder)")
    checkpoints.load_strict(network.decoder, decoder, f"{where} (decoder)")
    return Segmenter(network, classes, owners, PUBLISHED_BGR, SIZE)


def published_vocabulary(labels: Mapping[str, Any], where: str) -> Vocabulary:
    """Classes by category, and the owner of each part, from labels.json.

    The part head's blocks of channels are in the order of their owners' object numbers. The official `object_part` is
    in that order too; where another is not, the published code mixes owners up, and we do not.

    Raises:
        ValueError: labels of another form.
    """
    _check_form(labels, where)
    number = {name: place for place, name in enumerate(labels["object"])}
    owned = sorted(labels["object_part"].items(), key=lambda item: number[item[0]])
    owners = {f"{owner}-{part}": owner for owner, parts in owned for part in parts[1:]}
    classes = {category: list(labels[category]) for category in ("object", "material", "scene")}
    return classes | {"part": [NOTHING, *owners]}, owners


def _check_form(labels: Any, where: str) -> None:
    """Raise a ValueError that says what of `labels` is not as in the published labels.json."""
    end = "expected the published labels.json; run fetch"
    if not isinstance(labels, dict):
        raise ValueError(f"{where}: labels.json holds a {type(labels).__name__}, {end}")
    for category in ("object", "material", "scene"):
        names = labels.get(category)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{where}: labels.json has no list of names under {category!r}, {end}")
        if category != "scene" and names[:1] != [NOTHING]:
            raise ValueError(f"{where}: {category!r} of labels.json begins with {names[:1]}, not with '-', {end}")
    owned = labels.get("object_part")
    if not isinstance(owned, dict):
        raise ValueError(f"{where}: labels.json has no map from objects to their parts under 'object_part', {end}")
    for owner, parts in owned.items():
        if owner not in labels["object"]:
            raise ValueError(f"{where}: 'object_part' of labels.json names {owner!r}, none of its objects, {end}")
        if not isinstance(parts, list) or parts[:1] != [NOTHING]:
            raise ValueError(f"{where}: 'object_part' of labels.json lists no parts from '-' on for {owner!r}, {end}")
