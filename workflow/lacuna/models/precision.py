"""The arithmetic that a network is evaluated in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lacuna.kit.errors import UserError

PRECISIONS = ("float32", "tf32", "bfloat16")


def check_precision(precision: str, device: torch.device) -> None:
    """Raise a ValueError for an unknown precision, or one that the device has not."""
    if precision not in PRECISIONS:
        raise UserError(f"precision: found {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if precision == "tf32" and device.type != "cuda":
        raise UserError(f"precision: tf32 asked for on {device.type}, which only GPUs have; use float32 or bfloat16")


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Evaluate in float32, in tf32 (float32 with a mantissa of 10 bits in products) or in bfloat16 where it is safe.

    float32 means it: torch by itself lets convolutions on a GPU use tf32.
    """
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = precision == "tf32"
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before
