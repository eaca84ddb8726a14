"""Autoencoders from diffusers' folders and from train_autoencoder's files; nothing in them is run.

Weights in half precision are computed with as float32.
"""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.autoencoder import folder
from lacuna.generators.autoencoder.layers import CLASSES, Autoencoder, Encoder, decoder_layers, latents
from lacuna.generators.chain import Generator

# How diffusers named the attention of its first autoencoders.
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def read(path: str | Path) -> Autoencoder:
    """The network, its weights in it.

    Raises:
        UserError: no autoencoder of a known class, or weights that do not fit it.
    """
    source = Path(path)
    if source.is_dir():
        own = folder.component(source)
        config = folder.read_json(own / folder.CONFIG)
        files = folder.weights_files(own)
        weights = {key: value for file in files for key, value in checkpoints.load_weights(file)[0].items()}
        name = str(config["_class_name"])
    else:
        weights, metadata = checkpoints.load_weights(source)
        name, config = str(metadata.get("class")), metadata.get("config", {})
        if name not in CLASSES:
            raise UserError(
                f"{path}: names no class of diffusers, expected a file of train_autoencoder, or the whole folder that "
                "holds the weights and their config.json"
            )
    model = _built(name, config, path)
    checkpoints.load_strict(model, {_new_name(key): value for key, value in weights.items()}, path)
    return model.eval()


def from_model(model: Autoencoder, size: int | None = None) -> tuple[Generator, dict[str, Tensor]]:
    """The decoder as a chain of layers, and its weights.

    Args:
        size: pixels per side of its images.

    Raises:
        UserError: it makes no images of this size.
    """
    size = _size(model, size)
    shape = latent_shape(model, size)
    generator = Generator(decoder_layers(model, shape))
    generator.z_dim, generator.size = torch.Size(shape).numel(), size
    return generator, generator.state_dict()


def encoder_from_model(model: Autoencoder, size: int | None = None) -> tuple[nn.Module, dict[str, Tensor]]:
    """E: x -> z of `from_model`'s generator, and its weights."""
    model.decoder = nn.Identity()  # encoding needs none
    encoder = Encoder(model)
    return encoder, encoder.state_dict()


def latent_shape(model: Autoencoder, size: int) -> tuple[int, ...]:
    """(C, h, w) of the latent of an image of `size` pixels, from the shapes of tensors alone.

    Raises:
        UserError: sides that the network cannot halve so often, or an encoder and a decoder that do not fit.
    """
    scale = stride(model)
    if size % scale:
        raise UserError(f"size {size}, expected a multiple of {scale}, the pixels per side that a latent stands for")
    with torch.device("meta"), torch.no_grad():
        probe = _built(type(model).__name__, model.config, "the autoencoder").eval()
        z_1CHW = latents(probe, torch.zeros(1, 3, size, size))
        expected = (1, z_1CHW.shape[1], size // scale, size // scale)
        try:
            x_13HW = probe.decode(z_1CHW).sample
        except RuntimeError as error:
            raise UserError(f"its decoder does not take its encoder's latents: {str(error).splitlines()[0]}") from None
    if z_1CHW.shape != expected or x_13HW.shape != (1, 3, size, size):
        raise UserError(
            f"its encoder makes latents {tuple(z_1CHW.shape[1:])} of images of {size} pixels and its decoder images "
            f"{tuple(x_13HW.shape[1:])} of those, expected {expected[1:]} and {(3, size, size)}; wrong config.json?"
        )
    return tuple(z_1CHW.shape[1:])


def stride(model: Autoencoder) -> int:
    """Pixels per side that a latent stands for."""
    widths = model.config.get("block_out_channels") or model.config["encoder_block_out_channels"]
    return int(2 ** (len(widths) - 1))


def _size(model: Autoencoder, size: int | None) -> int:
    found = size or model.config.get("sample_size")
    if not isinstance(found, int):
        raise UserError(f"found sample_size {found!r}, expected one side in pixels; give the generator's key size")
    return found


def _built(name: str, config: Mapping[str, Any], where: str | Path) -> Autoencoder:
    known = inspect.signature(CLASSES[name]).parameters
    try:
        return CLASSES[name](**{key: value for key, value in config.items() if key in known})
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: its config.json makes no {name}: {' '.join(str(error).split())}") from None


def _new_name(key: str) -> str:
    return re.sub(r"(attentions\.\d+\.)(\w+)\.", lambda found: found[1] + OLD_NAMES.get(found[2], found[2]) + ".", key)
