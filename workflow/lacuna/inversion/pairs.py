"""What each part of an encoder is trained to make equal: pairs of an estimate and the truth.

The loss of a part is a weighted sum over its pairs, each under a measure of its own; the same pairs, measured on fixed
latents, are the validation.
Shape suffixes: N images, D latent numbers, H height, W width.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2: E||r_{k-1} - e_k(r_k)||_1 + lambda_R E||r_k - g_k(e_k(r_k))||_1.
    Their released code takes 1 - cosine over the channels for features and the mean square for images.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lacuna.generators.chain import head, tail
from lacuna.inversion.layers import layer_and_before, path

Pairs = dict[str, tuple[Tensor, Tensor]]
PairsOf = Callable[[nn.Module, Tensor, frozenset[str]], Pairs]  # encoder, z (N, D), names of the pairs wanted
EVERY = frozenset(("every",))  # instead of names: all pairs
COSINE_EPSILON = 1e-12


class Loss(NamedTuple):
    """How one pair counts: its weight, and the measure of its difference, a name of `MEASURES`."""

    weight: float
    measure: str = "l1"


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """1 - cosine of the channels at each position, averaged."""
    return 1 - functional.cosine_similarity(a, b, dim=1, eps=COSINE_EPSILON).mean()


MEASURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": functional.l1_loss,
    "mse": functional.mse_loss,
    "cosine": cosine_distance,
}


def layer_pairs(generator: nn.Sequential, k: int) -> PairsOf:
    """Pairs of e_k: `left` = r_{k-1}, `right` = r_k made from its estimate."""
    layer, before = layer_and_before(generator, k)

    def pairs(encoder: nn.Module, z_ND: Tensor, wanted: frozenset[str]) -> Pairs:
        with torch.no_grad():
            r_before = before(z_ND)
            r_k = layer(r_before)
        estimate = encoder(r_k)
        found = {"left": (estimate, r_before)}
        if _any(wanted, "right"):
            found["right"] = (layer(estimate), r_k)
        return found

    return pairs


def tail_pairs(generator: nn.Sequential, n: int) -> PairsOf:
    """Pairs of e_tail: `left` = r_n, `right` = x made from its estimate."""
    generator_head, generator_tail = head(generator, n), tail(generator, n)

    def pairs(encoder: nn.Module, z_ND: Tensor, wanted: frozenset[str]) -> Pairs:
        with torch.no_grad():
            r_n = generator_head(z_ND)
            x_N3HW = as_image(generator_tail(r_n))
        estimate = encoder(x_N3HW)
        found = {"left": (estimate, r_n)}
        if _any(wanted, "right"):
            found["right"] = (generator_tail(estimate), x_N3HW)
        return found

    return pairs


def encoder_pairs(generator: nn.Sequential, n: int) -> PairsOf:
    """Pairs of the composed E: `z`, `estimated_k` (r_k on the way to z), `remade_k` (r_k from z again), `x`."""
    generator_head, generator_tail = head(generator, n), tail(generator, n)

    def pairs(encoder: nn.Module, z_ND: Tensor, wanted: frozenset[str]) -> Pairs:
        assert isinstance(encoder, nn.Sequential)
        x_N3HW, (_, *truth) = image_and_path(generator, n, z_ND)
        found, estimate = {}, x_N3HW
        for k, part in zip(range(n, 0, -1), encoder, strict=False):
            estimate = part(estimate)
            found[f"estimated_{k}"] = (estimate, truth[k - 1])
        found["z"] = (encoder[-1](estimate), z_ND)
        if _any(wanted, "x", *(f"remade_{k}" for k in range(1, n + 1))):
            remade = path(generator_head, found["z"][0])
            found |= {f"remade_{k}": (remade[k - 1], truth[k - 1]) for k in range(1, n + 1)}
            if _any(wanted, "x"):
                found["x"] = (generator_tail(remade[-1]), x_N3HW)
        return found

    return pairs


@torch.no_grad()
def image_and_path(generator: nn.Sequential, n: int, z_ND: Tensor) -> tuple[Tensor, list[Tensor]]:
    """X (N, 3, H, W), and r_0 = z, r_1, ..., r_n on the way to it."""
    r = [z_ND, *path(head(generator, n), z_ND)]
    return as_image(tail(generator, n)(r[-1])), r


def as_image(x_N3HW: Tensor) -> Tensor:
    """A generator's output as its image file would show it: clamped to [-1, 1]."""
    return x_N3HW.clamp(-1, 1)


def weighted_loss(pairs: Pairs, losses: Mapping[str, Loss]) -> Tensor:
    """Sum over the pairs of weight times measure."""
    terms = [loss.weight * MEASURES[loss.measure](*pairs[name]) for name, loss in losses.items() if loss.weight]
    return torch.stack(terms).sum()


def _any(wanted: frozenset[str], *names: str) -> bool:
    return wanted == EVERY or bool(wanted & frozenset(names))
