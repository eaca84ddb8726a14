"""A folder of the library transformers, as a segmenter: one that names its classes, whatever its architecture.

Nothing is looked for on the network, no code of the folder's is run (`trust_remote_code` is never set, pickles are read
with `weights_only=True`), and images are prepared by us; of the library's own preparation the mean, the deviation and
the size count, which is why torchvision is not needed.
"""

import logging
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats import checkpoints, class_lists
from lacuna.segmenters.described import image_size, own_names, read_config, read_processor
from lacuna.segmenters.pixels import normalisation
from lacuna.segmenters.scored import ScoredSegmenter, Scorer, class_names
from lacuna.segmenters.transformers.files import check_shards
from lacuna.segmenters.transformers.heads import MASK2FORMER_SIDE
from lacuna.segmenters.transformers.scorer import QueryScorer, SemanticScorer

log = logging.getLogger(__name__)
OFFLINE = "HF_HUB_OFFLINE"  # read by the library when it is first imported
MASK_HEADS = (
    "EomtDinov3ForUniversalSegmentation",
    "EomtForUniversalSegmentation",
    "Mask2FormerForUniversalSegmentation",
    "MaskFormerForInstanceSegmentation",
    "OneFormerForUniversalSegmentation",
)
TOKENIZERS = ("tokenizer.json", "vocab.json")
TASK = "the task is semantic"  # what OneFormer is told


def load(checkpoint: str | Path, settings: Mapping[str, Any]) -> ScoredSegmenter:
    """The segmenter of a folder.

    Args:
        settings: `labels` (names, or a file of them) and `size`, where they are not the folder's own.

    Raises:
        UserError: a file is missing or broken, the network is none that segments, or its classes have no names.
    """
    folder, name = Path(checkpoint), f"transformers segmenter {checkpoint}"
    config, processor = read_config(folder), read_processor(folder)
    architecture = checked_architecture(config, folder)
    labels = class_lists.given(settings.get("labels", []))
    names = class_names(labels or own_names(config), name)
    check_shards(folder)
    network = load_network(folder, architecture, len(names) if labels else None)
    size = settings.get("size") or image_size(processor, folder)
    return ScoredSegmenter(scorer(network, architecture, folder), names, normalisation(processor, folder), size, name)


def checked_architecture(config: Mapping[str, Any], folder: Path) -> str:
    """The class of the network.

    Raises:
        UserError: it is none that segments.
    """
    known = [*semantic_heads(), *MASK_HEADS]
    named = [str(found) for found in config.get("architectures") or []]
    found = next((architecture for architecture in named if architecture in known), None)
    if not found:
        raise UserError(
            f"{folder}: config.json names {', '.join(named) or 'no architecture'}, expected a network that segments: "
            f"{', '.join(sorted(known))}"
        )
    return found


def library() -> Any:
    """The library, told to stay off the network.

    Raises:
        UserError: it is not installed.
    """
    os.environ[OFFLINE] = "1"
    try:
        import transformers
    except ImportError:
        raise UserError(
            "family transformers: the library is not installed; install the extra, pip install transformers"
        ) from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


def semantic_heads() -> list[str]:
    """Architectures that the library counts as semantic segmentation."""
    library()
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES as NAMES

    return list(NAMES.values())


def load_network(folder: Path, architecture: str, num_classes: int | None) -> nn.Module:
    """The network with the folder's weights, in float32.

    Args:
        num_classes: channels of its head, where config.json does not say it by names.

    Raises:
        UserError: weights that are broken, missing, of other shapes, or a pickle that is more than weights.
    """
    kind = getattr(library(), architecture)
    more = {"num_labels": num_classes} if num_classes else {}
    try:
        network, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # said below, in one line
            dtype=torch.float32,
            **more,
        )
    except pickle.UnpicklingError:
        raise UserError(
            f"{folder}: its .bin holds pickled Python objects, which are not run; take a safetensors file"
        ) from None
    except (*checkpoints.TORCH_BROKEN, ImportError, SafetensorError) as error:
        raise UserError(
            f"{folder}: {architecture} does not load ({first_line(error)}); copy or fetch it again"
        ) from None
    if info["mismatched_keys"]:
        key, found, expected = min(info["mismatched_keys"])
        raise UserError(
            f"{folder}: {key} is {tuple(found)}, the names of classes and config.json make it {tuple(expected)}; give "
            "`labels`, one for each channel of the head"
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise UserError(
            f"{folder}: weights lack {len(missing)} of {architecture}'s, first {missing[0]}, which would be random; "
            "give a checkpoint that was trained to segment"
        )
    loaded: nn.Module = network
    return loaded


def first_line(error: Exception) -> str:
    """What an error says first, or what it is."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def scorer(network: nn.Module, architecture: str, folder: Path) -> Scorer:
    """The network with the post-processing of its architecture."""
    if architecture.startswith("Mask2Former"):
        return QueryScorer(network, side=MASK2FORMER_SIDE)
    if architecture.startswith("Eomt"):
        side = int(network.config.image_size)  # type: ignore[union-attr, arg-type]
        return QueryScorer(network, side=side, window=side)
    if architecture.startswith("OneFormer"):
        return QueryScorer(network, task=task_tokens(folder, network))
    return QueryScorer(network) if architecture in MASK_HEADS else SemanticScorer(network)


def task_tokens(folder: Path, network: nn.Module) -> Tensor:
    """OneFormer's task as tokens (1, L), 0 where it has ended."""
    if not any((folder / file).is_file() for file in TOKENIZERS):  # the library would make up an empty one
        raise UserError(
            f"{folder}: no {' or '.join(TOKENIZERS)}, which turn OneFormer's task into numbers; put them there"
        )
    length = int(network.config.task_seq_len)  # type: ignore[union-attr, arg-type]
    tokenizer = library().CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    found = tokenizer([TASK], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    tokens: Tensor = found["input_ids"] * found["attention_mask"]
    return tokens
