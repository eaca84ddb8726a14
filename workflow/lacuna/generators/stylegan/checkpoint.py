"""Checkpoints of StyleGAN under the keys of any known port: the network that they belong to, and its weights."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.stylegan.layers import FIRST_SIZE, Habits
from lacuna.generators.stylegan.model import StyleGenerator
from lacuna.generators.stylegan.ports import NOTHING, PORTS, Port

Weights = Mapping[str, Tensor]


def from_weights(
    weights: Weights, truncation: float = 1.0, truncation_layers: int | None = None, size: int | None = None,
    noise: str = "fixed",
) -> tuple[StyleGenerator, dict[str, Tensor]]:  # fmt: skip
    """The network that `weights` belong to, not yet filled, and the weights under its names.

    Args:
        truncation: see StyleGenerator.
        truncation_layers: see StyleGenerator.
        size: pixels of an image, where the checkpoint has outputs of several sizes; the largest where None.
        noise: see StyleGenerator.

    Raises:
        UserError: these are no weights of a StyleGAN.
    """
    port = next((port for port in PORTS if any(key.startswith(port.mark) for key in weights)), None)
    if port is None:
        raise UserError(
            f"{len(weights)} weights, none named as in a StyleGAN of genforce, rosinality or lernapparat; wrong family "
            "or checkpoint?"
        )
    num_layers = count_layers(port, weights, size)
    channels = [length(port, weights, f"layer{k}.style.bias", num_layers) // 2 for k in range(0, num_layers, 2)]
    generator = StyleGenerator(
        mapping_widths(port, weights), channels, habits_of(port, weights), truncation, truncation_layers, noise
    )
    generator.key_names = {own: key_of(port, weights, own, num_layers) for own in generator.state_dict()}
    return generator, dict(renamed(port, weights, generator, num_layers))


def count_layers(port: Port, weights: Weights, size: int | None) -> int:
    """Number of layers of the network that makes images of `size` pixels."""
    numbers = [int(match[1]) for match in map(re.compile(port.layer).match, weights) if match]
    sizes = {FIRST_SIZE * 2**k: 2 * (k + 1) for k in range(port.last(max(numbers, default=0)) // 2)}
    wanted = size or max(sizes, default=0)
    if wanted not in sizes:
        raise UserError(
            f"layers for images of {', '.join(map(str, sizes)) or 'no'} pixels, expected size {wanted} among them; "
            "correct the generator's size, or wrong checkpoint?"
        )
    return sizes[wanted]


def mapping_widths(port: Port, weights: Weights) -> list[int]:
    """Latent numbers of z, of the mapping network's layers, and of w."""
    numbers = {int(match[1]) for match in map(re.compile(port.dense).match, weights) if match}
    first = length(port, weights, "mapping.dense0.weight")
    return [first, *(length(port, weights, f"mapping.dense{k}.bias") for k in range(len(numbers)))]


def length(port: Port, weights: Weights, own: str, num_layers: int = 0) -> int:
    """Length of the last axis of one of our weights."""
    key = key_of(port, weights, own, num_layers)
    if key not in weights or not weights[key].ndim:
        raise UserError(f"key {key} is missing, expected it in a StyleGAN's checkpoint; wrong family or checkpoint?")
    return weights[key].shape[-1]


def habits_of(port: Port, weights: Weights) -> Habits:
    """The port's habits; whether a lernapparat-style file holds noise and mean w differs from file to file."""
    if port.mark != "g_synthesis.":
        return port.habits
    noise, w_avg = (key_of(port, weights, own, 0) in weights for own in ("layer0.noise", "mapping.w_avg"))
    return replace(port.habits, stores_noise=noise, stores_w_avg=w_avg)


def key_of(port: Port, weights: Weights, own: str, num_layers: int) -> str:
    """What the checkpoint calls our weight `own`, or would call it."""
    head, part = own.split(".", 1)
    kind = head.rstrip("0123456789")
    number = int(head.removeprefix(kind)) if kind == "layer" else num_layers // 2 - 1
    if kind == "mapping" and part != "w_avg":
        dense, part = part.split(".")
        number = int(dense.removeprefix("dense"))
    names = port.names(kind, number, part)
    return next((name for name in names if name in weights), names[0])


def renamed(port: Port, weights: Weights, generator: StyleGenerator, num_layers: int) -> Iterator[tuple[str, Tensor]]:
    """Our names and tensors, then whatever is too much under its own name."""
    used = set()
    for own, empty in generator.state_dict().items():
        key = generator.key_names[own]
        used.add(key)
        if key in weights:
            yield own, port.convert(own, key, weights[key])
        elif key == NOTHING:
            yield own, empty
    for key in weights.keys() - used:
        layer = re.match(port.layer, key)
        beyond = layer is not None and port.last(int(layer[1])) > num_layers
        if not beyond and not re.fullmatch(port.unused, key):
            yield key, weights[key]
