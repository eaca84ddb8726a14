"""States of several tensors as one: inversion sees every generator as a chain whose states are one tensor each.

A tuple state, such as StyleGAN's (features, w), is packed into one row of numbers an image; so residuals, losses,
correlations and files need not know of tuples. A generator whose states are tensors stays as it is.

Shape suffixes: N images, E numbers of a packed state.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.generators.chain import Generator, State
from lacuna.inversion.encoders import Layout


class PackedLayer(nn.Module):
    """A layer between packed states of these layouts."""

    def __init__(self, layer: nn.Module, before: Layout, after: Layout) -> None:
        super().__init__()
        self.layer, self.before, self.after = layer, before, after

    def forward(self, packed: Tensor) -> Tensor:
        return pack(self.layer(unpack(packed, self.before)))


def pack(state: State) -> Tensor:
    """A tensor as it is; a tuple as (N, E), its tensors one after the other."""
    return state if isinstance(state, Tensor) else torch.cat([part.flatten(1) for part in state], dim=1)


def unpack(packed: Tensor, layout: Layout) -> State:
    """What `pack` was given."""
    if len(layout) == 1:
        return packed
    sizes = [torch.Size(shape).numel() for shape in layout]
    return tuple(part.unflatten(1, shape) for part, shape in zip(packed.split(sizes, dim=1), layout, strict=True))


@torch.no_grad()
def layouts(generator: nn.Sequential) -> list[Layout]:
    """Layout of z and of what each layer puts out."""
    weights = next(generator.parameters())
    state: State = torch.zeros(1, generator.z_dim, device=weights.device)  # type: ignore[call-overload]
    found = [layout_of(state)]
    for layer in generator:
        state = layer(state)
        found.append(layout_of(state))
    return found


def layout_of(state: State) -> Layout:
    """Shapes of one image's tensors."""
    parts = (state,) if isinstance(state, Tensor) else state
    return tuple(tuple(part.shape[1:]) for part in parts)


def packed(generator: Generator) -> Generator:
    """The generator with packed states; the same object where all its states are tensors.

    Raises:
        UserError: it takes a class beside z, which an inversion does not search for.
    """
    if generator.classes:
        raise UserError(
            f"the {generator.family} generator draws {len(generator.classes)} classes on demand, expected one of z "
            "alone; give its entry a label where its family has that setting, or invert another generator"
        )
    found = layouts(generator)
    if all(len(layout) == 1 for layout in found):
        return generator
    layers = zip(generator.named_children(), found[:-1], found[1:], strict=True)
    wrapped = Generator(OrderedDict((name, PackedLayer(layer, *sides)) for (name, layer), *sides in layers))
    wrapped.family, wrapped.z_dim, wrapped.size = generator.family, generator.z_dim, generator.size
    return wrapped.train(generator.training)
