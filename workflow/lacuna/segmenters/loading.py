"""Checkpoints of segmenters in, segmenters that are ready out, whatever the family."""

import logging
from dataclasses import replace
from pathlib import Path

import torch

from lacuna import families
from lacuna.networks.folding import fold_batch_norms
from lacuna.runtime.precision import check_precision
from lacuna.segmenters.segmenter import Segmenter

log = logging.getLogger(__name__)
CPU = torch.device("cpu")


def load_segmenter(
    family: str, checkpoint: str | Path, device: str | torch.device = "cpu", precision: str = "float32"
) -> Segmenter:
    """Load a segmenter, ready to be used; see `ready`."""
    check_precision(precision, torch.device(device))
    log.info("%s segmenter %s in %s", family, checkpoint, precision)
    named = replace(families.loader("segmenters", family)(checkpoint), name=f"{family} segmenter {checkpoint}")
    return ready(named, torch.device(device), precision)


def ready(segmenter: Segmenter, device: torch.device = CPU, precision: str = "float32") -> Segmenter:
    """The segmenter in eval mode, batch norms folded, no gradients of weights, laid out in memory for its device."""
    network = segmenter.network.eval().requires_grad_(False).to(device)
    fold_batch_norms(network)
    fast = network if device.type != "cpu" else network.encoder
    fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return replace(segmenter, precision=precision)
