"""The published segmenter, `upp-resnet50-upernet`, from its labels and the weights of its encoder and decoder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.segmenters.parsing import NOTHING
from lacuna.segmenters.parsing_segmenter import ParsingSegmenter, build_network, check_counts
from lacuna.segmenters.pixels import PixelNormalisation
from lacuna.segmenters.upp import files as upp

PUBLISHED_BGR = PixelNormalisation("BGR", (102.9801, 115.9465, 122.7717), (1.0,) * 3)
ARCHITECTURE = {"encoder": {}, "fpn_dim": 512, "ppm_dim": 512}
SIZE = 256


def load(checkpoint: str | Path, settings: Mapping[str, Any]) -> ParsingSegmenter:
    """The segmenter of the folder `checkpoint`."""
    labels_path, encoder_path, decoder_path = upp.found_files(checkpoint)
    labels = upp.read_labels(labels_path)
    encoder, _ = checkpoints.load_weights(encoder_path)
    decoder, _ = checkpoints.load_weights(decoder_path)
    return published_segmenter(labels, encoder, decoder, str(checkpoint))


def published_segmenter(
    labels: Mapping[str, Any], encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor], where: str
) -> ParsingSegmenter:
    """The published ResNet-50 UPerNet from its labels and two state dicts."""
    classes, owners = published_vocabulary(labels)
    check_counts(classes, owners, decoder, where)
    network = build_network(classes, owners, ARCHITECTURE)
    checkpoints.load_strict(network.encoder, encoder, f"{where} (encoder)")
    checkpoints.load_strict(network.decoder, decoder, f"{where} (decoder)")
    return ParsingSegmenter(network, classes, owners, PUBLISHED_BGR, SIZE, name=f"upp segmenter {where}")


def published_vocabulary(labels: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Classes by category, and the owner of each part.

    The part head's blocks of channels are in the order of their owners' object numbers. The official `object_part` is
    in that order too; where another is not, the published code mixes owners up, and we do not.
    """
    number = {name: place for place, name in enumerate(labels["object"])}
    owned = sorted(labels["object_part"].items(), key=lambda item: number[item[0]])
    owners = {f"{owner}-{part}": owner for owner, parts in owned for part in parts[1:]}
    classes = {category: list(labels[category]) for category in ("object", "material", "scene")}
    return classes | {"part": [NOTHING, *owners]}, owners
