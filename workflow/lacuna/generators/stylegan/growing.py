"""The style-based generator while it is trained: growing, with new noise for every image, and with mixed styles.

Shape suffixes: N images, D latent numbers, H height, W width.

Source:
    Karras et al. 2019, arXiv:1812.04948, sections 2 and 3.1.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lacuna.generators.progan.growing import enlarge
from lacuna.generators.stylegan.layers import (
    FIRST_SIZE,
    MAPPING_RATE,
    PUBLISHED,
    MappingNetwork,
    OutputLayer,
    StyledLayer,
    styled_layers,
)  # fmt: skip
from lacuna.generators.stylegan.model import noise_of, styled


class GrowingStyleGenerator(nn.Module):
    """A StyleGenerator with an output at every size.

    Args:
        sizes: number of latent numbers, of z and w alike, then of channels at 4, 8, 16, ... pixels.
        mapping_layers: depth of the mapping network.
        mapping_rate: its learning rate, relative to the other layers'.
        style_mixing: share of the images whose later layers are styled by a second z.
    """

    def __init__(self, sizes: Sequence[int], mapping_layers: int, mapping_rate: float, style_mixing: float) -> None:
        super().__init__()
        self.sizes, self.style_mixing = list(sizes), style_mixing
        self.z_dim = sizes[0]
        self.mapping_rate = mapping_rate
        self.mapping = MappingNetwork([self.z_dim] * (mapping_layers + 1), PUBLISHED, mapping_rate)
        self.layers = styled_layers(sizes[1:], self.z_dim, PUBLISHED)
        for name, layer in self.layers.items():
            self.add_module(name, layer)
        for k, channels in enumerate(sizes[1:]):
            self.add_module(output_name(FIRST_SIZE * 2**k), OutputLayer(channels))

    def forward(self, z_ND: Tensor, size: int, alpha: float = 1.0, random: torch.Generator | None = None) -> Tensor:
        """Z -> x (N, 3, size, size).

        Args:
            alpha: how far the size is blended in over the one before, 0 to 1.
            random: where the noise and the mixing of styles come from; where None nothing is mixed, and an image's
                noise is that of its z.
        """
        layers = list(self.layers.values())[: _layers(size)]
        w_LND = self._styles(z_ND, len(layers), random)
        noise_LN1HW = [_noise(len(z_ND), layer, random) for layer in layers] if random else noise_of(z_ND, layers)
        before_NCHW = styled(layers[:-2], z_ND, w_LND[:-2], noise_LN1HW[:-2])
        x_NCHW = styled(layers[-2:], before_NCHW, w_LND[-2:], noise_LN1HW[-2:])
        x_N3HW: Tensor = getattr(self, output_name(size))((x_NCHW, z_ND))
        if alpha < 1:
            small_N3HW = getattr(self, output_name(size // 2))((before_NCHW, z_ND))
            x_N3HW = torch.lerp(enlarge(small_N3HW), x_N3HW, alpha)
        return x_N3HW

    def _styles(self, z_ND: Tensor, num_layers: int, random: torch.Generator | None) -> Sequence[Tensor]:
        """A w (N, D) for each layer."""
        if random is None or not self.style_mixing:
            return [self.mapping(z_ND)] * num_layers
        N = len(z_ND)
        other_ND = torch.randn(z_ND.shape, generator=random, device=z_ND.device)
        first_N1 = torch.randint(1, num_layers, (N, 1), generator=random, device=z_ND.device)
        mixed_N1 = torch.rand((N, 1), generator=random, device=z_ND.device) < self.style_mixing
        w_ND, w_other_ND = self.mapping(torch.cat([z_ND, other_ND])).split(N)
        return [torch.where(mixed_N1 & (k >= first_N1), w_other_ND, w_ND) for k in range(num_layers)]

    def weights(self, size: int) -> dict[str, Tensor]:
        """State dict of the StyleGenerator that makes images of this size, mean w included."""
        self.mapping.estimate_average()
        names = {"mapping", *(f"layer{k}" for k in range(_layers(size)))}
        found = {key: value for key, value in self.state_dict().items() if key.split(".")[0] in names}
        found |= {
            key: self._at_published_rate(value) for key, value in found.items() if key.startswith("mapping.dense")
        }
        output = getattr(self, output_name(size)).state_dict()
        return found | {f"output.{key}": value for key, value in output.items()}

    def _at_published_rate(self, dense: Tensor) -> Tensor:
        """The mapping network's weights as they are stored: run by a constant that its published rate is part of."""
        return dense * (self.mapping_rate / MAPPING_RATE)


def output_name(size: int) -> str:
    return f"output_{size}x{size}"


def _noise(count: int, layer: StyledLayer, random: torch.Generator) -> Tensor:
    return torch.randn(count, 1, layer.size, layer.size, generator=random, device=layer.noise.device)


def _layers(size: int) -> int:
    return 2 * int(math.log2(size // FIRST_SIZE)) + 2
