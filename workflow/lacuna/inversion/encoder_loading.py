"""Encoders of a generator: which parts there are, how one is made, and how a trained one is loaded.

Metadata of a part: `part`, `layer` (n), `network`, `width`, `tail_width`, `context`, `generator_digest`, and how it was
trained. A published encoder, a torch file, has none of it: it is `encoder` of `network` "published" with n = 4.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.inversion import published_encoder
from lacuna.inversion.encoders import composed
from lacuna.inversion.layers import device_of, head_layouts, ignores_length, image_size, shapes
from lacuna.runtime.provenance import digest_file

SHAPING = ("layer", "network", "width", "tail_width", "context")  # settings that say what the networks look like


def part_names(n: int) -> list[str]:
    """All parts of an encoder for the first `n` layers."""
    return [*(f"layer_{k}" for k in range(1, n + 1)), "tail", "encoder", "direct"]


def new_encoder(part: str, generator: nn.Sequential, shaping: Mapping[str, Any], seed: int = 0) -> nn.Module:
    """An untrained part on the generator's device; its weights follow from `seed` alone.

    Raises:
        UserError: the encoder of a `shaping["layer"]`-layer head has no such part.
    """
    known = part_names(shaping["layer"])
    if part not in known:
        raise UserError(f"encoder part {part!r}, expected one of {', '.join(known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = _published(generator, shaping["layer"]) if shaping["network"] == "published" else composed(
            head_layouts(generator, shaping["layer"]), image_size(generator), shaping["width"], shaping["tail_width"],
            shaping["context"], ignores_length(generator),
        )  # fmt: skip
    found = encoder if part in ("encoder", "direct") else part_of(encoder, part)
    return found.to(device_of(generator))


def part_of(encoder: nn.Sequential, part: str) -> nn.Module:
    """One of the networks that an encoder is composed of: `tail` comes first, `layer_1` last."""
    return encoder[0] if part == "tail" else encoder[-int(part.removeprefix("layer_"))]


def load_encoder(path: str | Path, part: str, generator: nn.Sequential, checkpoint: str | Path, n: int) -> nn.Module:
    """A trained part, ready to use, on the generator's device.

    Args:
        checkpoint: the generator's own weights.
        n: layers of the head that the encoder is to fit.

    Raises:
        UserError: another part, or trained for another generator or another head.
    """
    state, metadata = checkpoints.load_weights(path)
    if not metadata:
        state, metadata = _published_state(state), _published_metadata(checkpoint)
    expected = {"part": part, "layer": n, "generator_digest": digest_file(checkpoint)}
    for name, value in expected.items():
        found = metadata.get(name)
        if found != value:
            raise UserError(f"{path}: encoder with {name} {found!r}, expected {value!r}; run train_encoder for it")
    encoder = new_encoder(part, generator, metadata)
    checkpoints.load_strict(encoder, state, path)
    return encoder.eval().requires_grad_(False)


def metadata_of(part: str, settings: Mapping[str, Any], checkpoint: str | Path) -> dict[str, Any]:
    """The part of the metadata that `load_encoder` reads."""
    return {"part": part, "generator_digest": digest_file(checkpoint)} | {name: settings[name] for name in SHAPING}


def _published(generator: nn.Sequential, n: int) -> published_encoder.HybridEncoder:
    found = shapes(generator, n)
    size = image_size(generator)
    if found != published_encoder.SHAPES or size != published_encoder.IMAGE_SIZE:
        raise UserError(
            f"features {found} and images of {size} pixels, expected for the published encoder "
            f"{published_encoder.SHAPES} and {published_encoder.IMAGE_SIZE} pixels; use another encoder"
        )
    return published_encoder.HybridEncoder()


def _published_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the network's own names: one of the published scripts puts `model.` before each."""
    return {key.removeprefix("model."): tensor for key, tensor in state.items()}


def _published_metadata(checkpoint: str | Path) -> dict[str, Any]:
    """What the published file does not say; nothing ties it to one generator of the family."""
    n = len(published_encoder.SHAPES) - 1
    return {"part": "encoder", "layer": n, "network": "published", "generator_digest": digest_file(checkpoint)}
