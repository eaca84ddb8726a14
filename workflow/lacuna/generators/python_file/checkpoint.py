"""Generators from a Python file of the user's own: family `python`."""

import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.generators.chain import Generator

ENCODER = "encoder."  # how the names of its weights begin


def from_file(
    weights: Mapping[str, Tensor], file: str = "", function: str = "generator", encoder: str = ""
) -> tuple[Generator, dict[str, Tensor]]:
    """The network that `function` of `file` returns: the width of z, and the layers by name, in order.

    Args:
        encoder: function that returns its encoder, whose weights are `encoder.` ...; none where empty.

    Raises:
        UserError: no such function, or it returns something else, or its layers make no images of z.
    """
    z_dim, layers = _checked(_made(file, function, "function"), f"{file}: {function}()")
    network = Generator(OrderedDict(layers)).eval()
    network.z_dim = z_dim
    network.size = _image_size(network, f"{file}: {function}()")
    return network, {key: value for key, value in weights.items() if not (encoder and key.startswith(ENCODER))}


def encoder_from_file(
    weights: Mapping[str, Tensor], file: str = "", function: str = "generator", encoder: str = ""
) -> tuple[nn.Module | None, dict[str, Tensor]]:
    """The network that the function `encoder` of `file` returns, x (N, 3, H, W) -> z (N, D); none without the key.

    Raises:
        UserError: no such function, or what it returns makes no z of images.
    """
    if not encoder:
        return None, {}
    network, where = _made(file, encoder, "encoder"), f"{file}: {encoder}()"
    generator, _ = from_file(weights, file, function, encoder)
    if not isinstance(network, nn.Module):
        raise UserError(f"{where} returns {network!r:.80}, expected a module that makes z of images")
    with torch.no_grad():
        shape = tuple(network.eval()(torch.zeros(1, 3, generator.size, generator.size)).shape)
    if shape != (1, generator.z_dim):
        raise UserError(f"{where} makes {shape} of one image, expected one z, (1, {generator.z_dim})")
    return network, {key.removeprefix(ENCODER): value for key, value in weights.items() if key.startswith(ENCODER)}


def _made(file: str, function: str, key: str) -> Any:
    """What a function of the file returns."""
    make = getattr(_loaded(file), function, None)
    if not callable(make):
        raise UserError(f"{file}: no function {function!r}; write it, or name another by the generator's key {key}")
    return make()


def _loaded(file: str) -> Any:
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file or 'family python'}: no such file, expected Python with the generator's layers")
    spec = importlib.util.spec_from_file_location(f"lacuna_generator_{Path(file).stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{file}: no Python file, expected a name ending in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses of the file look themselves up here
    spec.loader.exec_module(module)
    return module


def _checked(found: Any, where: str) -> tuple[int, Mapping[str, nn.Module]]:
    if isinstance(found, tuple) and len(found) == 2:
        z_dim, layers = found
        named = isinstance(layers, Mapping) and all(isinstance(layer, nn.Module) for layer in layers.values())
        if isinstance(z_dim, int) and named and len(layers) > 1:
            return z_dim, layers
    raise UserError(f"{where} returns {found!r:.80}, expected the width of z and a dict of two or more named layers")


@torch.no_grad()
def _image_size(network: Generator, where: str) -> int:
    shape = tuple(network(torch.zeros(1, network.z_dim)).shape)
    if len(shape) != 4 or shape[:2] != (1, 3) or shape[2] != shape[3]:
        raise UserError(f"{where} makes {shape} of one z, expected one square image (1, 3, size, size)")
    return int(shape[2])
