"""A generator's layers as inversion sees them: shapes of r_k, latents of known length, the path from z to r_n.

Shape suffixes: N images, D latent numbers.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from lacuna.generators.chain import head
from lacuna.inversion.encoders import Layout, Shape
from lacuna.inversion.states import PackedLayer
from lacuna.networks.layers import pixel_norm


@torch.no_grad()
def shapes(generator: nn.Sequential, n: int) -> list[Shape]:
    """Shapes of one image's r_0 = z, r_1, ..., r_n."""
    z_ND = torch.zeros(1, latent_width(generator), device=device_of(generator))
    return [tuple(r.shape[1:]) for r in (z_ND, *path(head(generator, n), z_ND))]


def head_layouts(generator: nn.Sequential, n: int) -> list[Layout]:
    """Layouts of one image's r_0 = z, r_1, ..., r_n; what a packed state holds stands in its layer."""
    after = [layer.after if isinstance(layer, PackedLayer) else None for layer in head(generator, n)]
    plain = shapes(generator, n)
    return [(plain[0],), *(found or (shape,) for found, shape in zip(after, plain[1:], strict=True))]


@torch.no_grad()
def ignores_length(generator: nn.Sequential) -> bool:
    """Whether the first layer makes the same of z and of 2 z, so that no encoder can know the length of z."""
    z_ND = torch.linspace(-1, 1, latent_width(generator), device=device_of(generator))[None]
    first = generator[0]
    return torch.allclose(first(z_ND), first(2 * z_ND), rtol=1e-3, atol=1e-4)


def canonical(z_ND: Tensor, on_sphere: bool) -> Tensor:
    """Z as an encoder can know it: at length sqrt(D) where the generator ignores the length."""
    return pixel_norm(z_ND) if on_sphere else z_ND


def path(head: nn.Sequential, z_ND: Tensor, residuals: Mapping[int, Tensor] | None = None) -> list[Tensor]:
    """r_1, ..., r_n with r_k = g_k(r_{k-1}) + d_k.

    Args:
        residuals: d_k by layer k; layers that are not named get none.
    """
    found = []
    r = z_ND
    for k, layer in enumerate(head, start=1):
        r = layer(r)
        if residuals and k in residuals:
            r = r + residuals[k]
        found.append(r)
    return found


def layer_and_before(generator: nn.Sequential, k: int) -> tuple[nn.Module, nn.Sequential]:
    """g_k, and the layers that lead to its input: z -> r_{k-1}."""
    layers = list(generator.children())
    return layers[k - 1], nn.Sequential(*layers[: k - 1])


def latent_width(generator: nn.Sequential) -> int:
    """D, the number of latent numbers."""
    return cast(int, generator.z_dim)


def image_size(generator: nn.Sequential) -> int:
    """Height and width of its images in pixels."""
    return cast(int, generator.size)


def device_of(module: nn.Module) -> torch.device:
    """Where the weights of a network lie."""
    return next(module.parameters()).device
