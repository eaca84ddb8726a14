"""Every known family of generators, and how its checkpoints are loaded."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.acgan import model as acgan
from lacuna.generators.chain import Generator
from lacuna.generators.progan import model as progan
from lacuna.generators.python_file import checkpoint as python_file
from lacuna.generators.stylegan import checkpoint as stylegan_loading
from lacuna.generators.wgan import model as wgan

# family -> builds the network that these weights belong to, weights under the network's own names. Its keyword
# arguments are the family's settings: keys of the generator in the configuration.
GENERATORS: dict[str, Callable[..., tuple[Generator, dict[str, Tensor]]]] = {
    "acgan": acgan.from_weights,
    "progan": progan.from_weights,
    "python": python_file.from_file,
    "wgan": partial(wgan.from_weights, wgan.BATCH_NORM),
    "progressive_training": partial(wgan.from_weights, wgan.BATCH_NORM),
    "small_minibatch": partial(wgan.from_weights, wgan.BATCH_NORM),
    "minibatch_discrimination": partial(wgan.from_weights, wgan.MINIBATCH_STATISTICS),
    "minibatch_stddev": partial(wgan.from_weights, wgan.MINIBATCH_STATISTICS),
    "equalised_learning_rate": partial(wgan.from_weights, wgan.EQUALISED),
    "pixel_norm": partial(wgan.from_weights, wgan.PIXEL_NORM),
    "stylegan": stylegan_loading.from_weights,
}


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
        UserError: unknown family or setting, or a checkpoint that does not fit it.
    """
    if family not in GENERATORS:
        raise UserError(f"generator family {family!r} is unknown, expected one of: {', '.join(sorted(GENERATORS))}")
    settings = dict(settings or {})
    known = list(inspect.signature(GENERATORS[family]).parameters)[1:]
    unknown = ", ".join(sorted(settings.keys() - set(known)))
    if unknown:
        expected = ", ".join(known) or "none"
        raise UserError(f"generator settings {unknown} are unknown to family {family}, expected of: {expected}")
    weights, _ = checkpoints.load_weights(checkpoint)
    try:
        generator, weights = GENERATORS[family](weights, **settings)
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from None
    checkpoints.load_strict(generator, weights, checkpoint, generator.key_names)
    generator.after_loading()
    generator.family = family
    return generator.to(device).eval().requires_grad_(False)
