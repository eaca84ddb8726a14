"""Every known family of generators, and how its checkpoints are loaded."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.models import progan
from lacuna.models.chain import Generator

# family -> builds the network that these weights belong to, weights under the network's own names
GENERATORS: dict[str, Callable[[Mapping[str, Tensor]], tuple[Generator, dict[str, Tensor]]]] = {
    "progan": progan.from_weights,
}


def load_generator(family: str, checkpoint: str | Path, device: str | torch.device = "cpu") -> Generator:
    """A trained generator as a chain of named layers, in eval mode, without gradients of its weights.

    Its attributes: `family`, `z_dim` (latent numbers), `size` (pixels of an image's side).

    Raises:
        ValueError: unknown family, or a checkpoint that does not fit it.
    """
    if family not in GENERATORS:
        raise ValueError(f"generator family {family!r} is unknown, expected one of: {', '.join(sorted(GENERATORS))}")
    weights, _ = checkpoints.load_weights(checkpoint)
    try:
        generator, weights = GENERATORS[family](weights)
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from None
    checkpoints.load_strict(generator, weights, checkpoint)
    generator.family = family
    return generator.to(device).eval().requires_grad_(False)
