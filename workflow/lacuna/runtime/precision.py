"""The arithmetic that a network computes in, and what that means for the whole process.

`float32` means it: torch by itself lets convolutions on a GPU use TF32 (float32 with a mantissa of 10 bits in
products), and every stage turns that off unless `tf32` is asked for. `auto` is bfloat16 on a GPU and float32 on a CPU,
where bfloat16 is emulated unless the processor has instructions for it.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from lacuna.config.base import Section
from lacuna.errors import UserError

log = logging.getLogger(__name__)
PRECISIONS = ("float32", "tf32", "bfloat16")
DETERMINISTIC = "LACUNA_DETERMINISTIC"  # 1 where the configuration says `deterministic: true`
CUBLAS_WORKSPACE = ":4096:8"  # the size with which cuBLAS adds up in one order, as torch's documentation asks
S = TypeVar("S", bound=Section)  # settings with a precision among them


def check_precision(precision: str, device: torch.device) -> None:
    """Raise a UserError for an unknown precision, or one that the device has not."""
    if precision not in PRECISIONS:
        raise UserError(f"precision: found {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if precision == "tf32" and device.type != "cuda":
        raise UserError(f"precision: tf32 asked for on {device.type}, which only GPUs have; use float32 or bfloat16")


def training_precision(asked: str, device: torch.device) -> str:
    """What a training or a search computes in: `auto` settled for the device, anything else as asked.

    Raises:
        UserError: the device cannot.
    """
    if asked == "auto":
        return "bfloat16" if device.type == "cuda" else "float32"
    check_precision(asked, device)
    return asked


def settled(settings: S, device: torch.device) -> S:
    """The settings of a training or search with its precision settled: what files and states record.

    TF32 is turned on for the process where it is what was settled for.
    """
    precision = training_precision(settings.model_dump()["precision"], device)
    _tf32(precision == "tf32")
    log.info("precision %s", precision)
    return settings.model_copy(update={"precision": precision})


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which networks compute in this precision; weights and losses stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def configure() -> None:
    """The process's policy, set once before the first use of CUDA: no TF32, and equal bits in every run if asked for.

    The workflow's setting `deterministic` comes in the environment, since it changes nothing that is worth computing
    again. With it CUDA uses only kernels that add up in one order, and torch raises an error where there is none.
    """
    _tf32(False)
    deterministic = os.environ.get(DETERMINISTIC) == "1"
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    if deterministic != torch.are_deterministic_algorithms_enabled():  # it loads torch's compiler, which takes seconds
        torch.use_deterministic_algorithms(deterministic)


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Evaluate in float32, in tf32 or in bfloat16 where it is safe."""
    before = torch.backends.cuda.matmul.fp32_precision
    _tf32(precision == "tf32")
    try:
        with autocast(precision, device):
            yield
    finally:
        _tf32(before == "tf32")


def _tf32(on: bool) -> None:
    """Products and convolutions of float32 on a GPU: in TF32, or as they are written (`ieee`)."""
    torch.backends.cuda.matmul.fp32_precision = "tf32" if on else "ieee"
    # cuDNN's older switch sets the newer ones (`conv.fp32_precision`, `rnn.fp32_precision`) too. Those alone leave it
    # as it was, and torch.export then refuses to run, since the two disagree (torch 2.13).
    torch.backends.cudnn.allow_tf32 = on
