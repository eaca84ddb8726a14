"""Checkpoints of generators in, chains of named layers out, whatever the family."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lacuna import families
from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.chain import Generator


def load_generator(
    family: str,
    checkpoint: str | Path,
    device: str | torch.device = "cpu",
    settings: Mapping[str, Any] | None = None,
) -> Generator:
    """A trained generator as a chain of named layers, in eval mode, without gradients of its weights.

    Its attributes: `family`, `z_dim` (latent numbers), `size` (pixels of an image's side).

    Args:
        settings: what the configuration says of the generator beside family and checkpoint, such as `truncation`.

    Raises:
        UserError: unknown family or setting, a family without layers, or a checkpoint that does not fit it.
    """
    # Takes weights, or what the family's own reader makes of the file, and the family's settings by name; gives the
    # network that they belong to, not yet filled, and the weights under the network's own names.
    if not families.family("generators", family).has_layers:
        raise UserError(f"family {family} can only be sampled, expected one whose generators are chains of layers")
    build = families.loader("generators", family)
    settings = dict(settings or {})
    known = list(inspect.signature(build).parameters)[1:]
    unknown = ", ".join(sorted(settings.keys() - set(known)))
    if unknown:
        expected = ", ".join(known) or "none"
        raise UserError(f"generator settings {unknown} are unknown to family {family}, expected of: {expected}")
    read = families.reader("generators", family)
    weights = read(checkpoint) if read else checkpoints.load_weights(checkpoint)[0]
    try:
        generator, weights = build(weights, **settings)
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from None
    checkpoints.load_strict(generator, weights, checkpoint, generator.key_names)
    generator.after_loading()
    generator.family = family
    return generator.to(device).eval().requires_grad_(False)
