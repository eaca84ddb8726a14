"""Checkpoints of generators in, chains of named layers out, whatever the family."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

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
    if not families.family("generators", family).has_layers:
        raise UserError(f"family {family} can only be sampled, expected one whose generators are chains of layers")
    generator = _filled(families.loader("generators", family), family, checkpoint, settings)
    assert isinstance(generator, Generator)
    generator.after_loading()
    generator.family = family
    return generator.to(device).eval().requires_grad_(False)


def load_own_encoder(
    family: str,
    checkpoint: str | Path,
    device: str | torch.device = "cpu",
    settings: Mapping[str, Any] | None = None,
) -> nn.Module | None:
    """E of a generator that comes with one, x (N, 3, H, W) -> z (N, D); None for a generator that does not.

    Args:
        settings: as of `load_generator`.

    Raises:
        UserError: as of `load_generator`.
    """
    build = families.encoder("generators", family)
    encoder = _filled(build, family, checkpoint, settings) if build else None
    return None if encoder is None else encoder.to(device).eval().requires_grad_(False)


def _filled(
    build: Callable[..., Any], family: str, checkpoint: str | Path, settings: Mapping[str, Any] | None
) -> nn.Module | None:
    """The network of a checkpoint.

    Args:
        build: takes weights, or what the family's own reader makes of the file, and the family's settings by name;
            gives the network that they belong to, not yet filled, and the weights under the network's own names.
    """
    settings = dict(settings or {})
    known = list(inspect.signature(build).parameters)[1:]
    unknown = ", ".join(sorted(settings.keys() - set(known)))
    if unknown:
        expected = ", ".join(known) or "none"
        raise UserError(f"generator settings {unknown} are unknown to family {family}, expected of: {expected}")
    read = families.reader("generators", family)
    weights = read(checkpoint) if read else checkpoints.load_weights(checkpoint)[0]
    try:
        network, weights = build(weights, **settings)
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from None
    if network is not None:
        checkpoints.load_strict(network, weights, checkpoint, getattr(network, "key_names", {}))
    return network
