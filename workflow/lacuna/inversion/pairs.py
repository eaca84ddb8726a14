"""What each part of an encoder is trained to make equal: pairs of an estimate and the truth.

The loss of a part is the weighted sum over its pairs of the mean absolute difference of an element; the same pairs,
measured on fixed latents, are the validation.
Shape suffixes: N images, D latent numbers, H height, W width.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 3.2: E||r_{k-1} - e_k(r_k)||_1 + lambda_R E||r_k - g_k(e_k(r_k))||_1.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from lacuna.inversion.layers import layer_and_before, path
from lacuna.models.chain import head, tail

Pairs = dict[str, tuple[Tensor, Tensor]]
PairsOf = Callable[[nn.Module, Tensor, frozenset[str]], Pairs]  # encoder, z (N, D), names of the pairs wanted


def layer_pairs(generator: nn.Sequential, k: int) -> PairsOf:
    """Pairs of e_k: `left` = r_{k-1}, `right` = r_k made from its estimate."""
    layer, before = layer_and_before(generator, k)

    def pairs(encoder: nn.Module, z_ND: Tensor, wanted: frozenset[str]) -> Pairs:
        with torch.no_grad():
            r_before = before(z_ND)
            r_k = layer(r_before)
        estimate = encoder(r_k)
        found = {"left": (estimate, r_before)}
        if "right" in wanted:
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
        if "right" in wanted:
            found["right"] = (generator_tail(estimate), x_N3HW)
        return found

    return pairs


def encoder_pairs(generator: nn.Sequential, n: int) -> PairsOf:
    """Pairs of the composed E: `z`, `r_estimated` (r_n by the tail encoder), `r_remade` (from z again), `x`."""
    generator_head, generator_tail = head(generator, n), tail(generator, n)

    def pairs(encoder: nn.Module, z_ND: Tensor, wanted: frozenset[str]) -> Pairs:
        assert isinstance(encoder, nn.Sequential)
        with torch.no_grad():
            r_n = generator_head(z_ND)
            x_N3HW = as_image(generator_tail(r_n))
        r_estimated = encoder[0](x_N3HW)
        z_estimated = encoder[1:](r_estimated)
        found = {"z": (z_estimated, z_ND), "r_estimated": (r_estimated, r_n)}
        if wanted & {"r_remade", "x"}:
            r_remade = path(generator_head, z_estimated)[-1]
            found["r_remade"] = (r_remade, r_n)
            if "x" in wanted:
                found["x"] = (generator_tail(r_remade), x_N3HW)
        return found

    return pairs


def as_image(x_N3HW: Tensor) -> Tensor:
    """A generator's output as its image file would show it: clamped to [-1, 1]."""
    return x_N3HW.clamp(-1, 1)


def weighted_loss(pairs: Pairs, weights: Mapping[str, float]) -> Tensor:
    """Sum over the pairs of weight times mean absolute difference of an element."""
    terms = [weight * (pairs[name][0] - pairs[name][1]).abs().mean() for name, weight in weights.items() if weight]
    return torch.stack(terms).sum()
