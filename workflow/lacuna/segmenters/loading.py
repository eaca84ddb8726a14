"""Checkpoints of segmenters in, segmenters that are ready out, whatever the family."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lacuna import families
from lacuna.runtime.precision import check_precision
from lacuna.segmenters.merging import merged
from lacuna.segmenters.segmenter import Segmenter

log = logging.getLogger(__name__)


def load_segmenter(
    family: str,
    checkpoint: str | Path,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    settings: Mapping[str, Any] | None = None,
) -> Segmenter:
    """Load a segmenter, ready to be used.

    Args:
        precision: arithmetic where the settings say none.
        settings: what its entry says beside where its weights are, such as `labels`.
    """
    own = settings or {}
    precision = own.get("precision", precision)
    check_precision(precision, torch.device(device))
    log.info("%s segmenter %s in %s", family, checkpoint, precision)
    loaded: Segmenter = families.loader("segmenters", family)(checkpoint, own)
    return merged(loaded, own.get("merge", {})).ready(torch.device(device), precision)
