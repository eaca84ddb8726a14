"""Any generator as a chain of named layers: z -> r_1 -> ... -> r_n -> x.

A layer takes one state and returns the next: z (N, D) first, x (N, 3, H, W), about [-1, 1], last. A state r_k between
them is one tensor, or a plain tuple of tensors where a layer needs more than the features before it: StyleGAN's layers
hand on (features, w). The first axis of every tensor is the image. A layer draws no random numbers, leaves its input
as it was and lets no image of a batch see another, so r_k and x of an image depend on its own z alone; and it can be
differentiated with respect to each tensor of its state.

Shape suffixes: N images, D latent numbers, C channels, H height, W width.
"""

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from lacuna.errors import UserError

State = Tensor | tuple[Tensor, ...]  # what lies between two layers


class Generator(nn.Sequential):
    """What every family's generator is: its children are the layers, in order."""

    family: str
    z_dim: int  # latent numbers
    size: int  # height and width of an image in pixels
    classes: tuple[int, ...] = ()  # labels that it draws on demand; its first state is then (c, z) in one row
    key_names: Mapping[str, str] = {}  # weight -> what the checkpoint calls it, where that is another name

    def after_loading(self) -> None:
        """What is left to do when the weights are in; nothing for most."""


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
        raise UserError(f"head of {n} layers asked for, expected 1 to {most}: the generator has {most + 1} layers")
    first, rest = nn.Sequential(OrderedDict(layers[:n])), nn.Sequential(OrderedDict(layers[n:]))
    return first.train(generator.training), rest.train(generator.training)
