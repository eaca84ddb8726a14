"""The linear part of a layer encoder, solved for instead of trained.

Shape suffixes: N images, C channels, H height, W width, P positions (rows of the equations), U unknowns an output.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lacuna.inversion.encoders import LayerEncoder

RIDGE = 0.1  # of the mean square of an input: an encoder is fed estimates, and a stiffer map would amplify their errors


@torch.no_grad()
def fit_linear(encoder: LayerEncoder, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set the encoder's linear map to the ridge regression from r_k to r_{k-1}.

    Args:
        batches: pairs of r_k, or an estimate of it, and r_{k-1}. What the correction makes of r_k already is taken off.
    """
    steps = list(encoder.linear.children())
    layer = steps[-1]
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    squares_UU, products_UC, rows = None, None, 0
    for r_k, r_before in batches:
        u = encoder.expand(r_k)
        r_before = r_before - encoder.correction(u)
        for step in steps[:-1]:
            u = step(u)
        inputs_PU = _rows(layer, u)
        targets_PC = r_before.flatten(2).transpose(1, 2).flatten(0, 1) if r_before.dim() == 4 else r_before
        square, product = inputs_PU.T @ inputs_PU, inputs_PU.T @ targets_PC
        squares_UU = square.double() if squares_UU is None else squares_UU + square
        products_UC = product.double() if products_UC is None else products_UC + product
        rows += len(inputs_PU)
    assert squares_UU is not None and products_UC is not None
    squares_UU.diagonal().add_(RIDGE * squares_UU.diagonal().mean())
    solution_UC = torch.linalg.solve(squares_UU, products_UC).to(layer.weight.dtype)
    layer.weight.copy_(solution_UC[:-1].T.reshape(layer.weight.shape))
    layer.bias.copy_(solution_UC[-1])


@torch.no_grad()
def fit_chain(encoder: nn.Sequential, batches: Iterable[tuple[Tensor, Sequence[Tensor]]]) -> None:
    """Fit the linear maps of a composed encoder again, each to what the parts before it make of x.

    Alone, a layer's inverse is fitted to the true r_k; composed, it is fed estimates, and their errors grow along the
    chain, since undoing a leaky ReLU enlarges an error where the sign is mistaken.

    Args:
        encoder: children e_tail, e_n, ..., e_1.
        batches: pairs of x and the true r_0 = z, r_1, ..., r_n.
    """
    tail, *parts = encoder.children()
    estimates = [(tail(x_N3HW), truth) for x_N3HW, truth in batches]
    for k, part in zip(range(len(parts), 0, -1), parts, strict=True):
        if isinstance(part, LayerEncoder):
            fit_linear(part, ((r_k, truth[k - 1]) for r_k, truth in estimates))
        estimates = [(part(r_k), truth) for r_k, truth in estimates]


def _rows(layer: nn.Conv2d | nn.Linear, u: Tensor) -> Tensor:
    """What the layer sees at each position, with a 1 for its bias: (P, U)."""
    if isinstance(layer, nn.Conv2d):
        windows_NUP = functional.unfold(u, layer.kernel_size, padding=layer.padding, stride=layer.stride)  # type: ignore[arg-type]
        u = windows_NUP.transpose(1, 2).flatten(0, 1)
    return functional.pad(u, (0, 1), value=1.0)
