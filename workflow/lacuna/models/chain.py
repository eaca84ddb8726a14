"""Any generator as a chain of named layers: z -> r_1 -> ... -> r_n -> x.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.
"""

from collections import OrderedDict

from torch import nn


class Generator(nn.Sequential):
    """What every family's generator is: its children are the layers, in order."""

    family: str
    z_dim: int  # latent numbers
    size: int  # height and width of an image in pixels


def layer_names(generator: nn.Sequential) -> list[str]:
    """Names of the layers in order; `r_k` is what layer k (from 1) puts out."""
    return [name for name, _ in generator.named_children()]


def head(generator: nn.Sequential, n: int) -> nn.Sequential:
    """`generator_head`: the first `n` layers, z -> r_n; shares its weights with the generator."""
    return _part(generator, n)[0]


def tail(generator: nn.Sequential, n: int) -> nn.Sequential:
    """`generator_tail`: all but the first `n` layers, r_n -> x; shares its weights with the generator."""
    return _part(generator, n)[1]


def _part(generator: nn.Sequential, n: int) -> tuple[nn.Sequential, nn.Sequential]:
    layers = list(generator.named_children())
    if not 0 < n < len(layers):
        most = len(layers) - 1
        raise ValueError(f"head of {n} layers asked for, expected 1 to {most}: the generator has {most + 1} layers")
    first, rest = nn.Sequential(OrderedDict(layers[:n])), nn.Sequential(OrderedDict(layers[n:]))
    return first.train(generator.training), rest.train(generator.training)
