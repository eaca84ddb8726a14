"""The style-based generator (StyleGAN, first version), at any width.

    z -> mapping -> w -> layer0 (4x4 pixels) -> layer1 -> [layer2 doubles the size -> layer3] -> ... -> output -> x

The states from layer0 on are (features, w): every layer styles its features by the same w. A layer: (nearest
upsampling) -> equalised convolution -> (blur) -> noise -> bias -> leaky ReLU -> AdaIN; layer0 has a learned constant
where the others have a convolution.

x depends on z alone, whatever the batch or shard, in one of two ways. `fixed` noise: a layer has one noise image, a
buffer, that of the checkpoint, or, where it has none, drawn from NOISE_SEED and the layer's number. `per_image` noise:
drawn anew for every image, from its z; so the published statistics were measured, and a network trained for a short
time lays its scenes out by noise. Heads and tails of a generator have the fixed noise always, as nothing there knows z.

Truncation pulls the w of the first `truncation_layers` layers (of all where None) towards its mean: a layer sees
w_avg + truncation (w - w_avg). A style is affine in w, so this goes into the styles' weights; w itself stays.

Shape suffixes: N images, D latent numbers of z or w, C channels, H height, W width.

Source:
    Karras et al. 2019, arXiv:1812.04948, and its published network.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.chain import Generator
from lacuna.generators.noise import streams
from lacuna.generators.stylegan.layers import (
    FIRST_SIZE,
    PUBLISHED,
    Habits,
    MappingNetwork,
    OutputLayer,
    StyledLayer,
    styled_layers,
)  # fmt: skip

NOISES = ("fixed", "per_image")


class StyleGenerator(Generator):
    """z -> x.

    Args:
        widths: latent numbers of z, of the mapping network's layers, and of w.
        channels: at 4, 8, 16, ... pixels.
        truncation: how far w may lie from its mean, 0 (not at all) to 1 (as it is).
        truncation_layers: how many layers this holds for, from layer0 on; all where None.
        noise: `fixed`, or `per_image` for the generator as a whole.
    """

    mapping: MappingNetwork
    output: OutputLayer

    def __init__(
        self, widths: Sequence[int], channels: Sequence[int], habits: Habits = PUBLISHED, truncation: float = 1.0,
        truncation_layers: int | None = None, noise: str = "fixed",
    ) -> None:  # fmt: skip
        super().__init__(
            OrderedDict(
                mapping=MappingNetwork(widths, habits),
                **styled_layers(channels, widths[-1], habits),
                output=OutputLayer(channels[-1]),
            )
        )
        self.z_dim, self.size = widths[0], image_size(channels)
        self.habits, self.truncation, self.truncation_layers = habits, truncation, truncation_layers
        self.noise = noise
        if noise not in NOISES:
            raise UserError(f"noise {noise!r} is unknown, expected one of: {', '.join(NOISES)}")

    def forward(self, z: Tensor) -> Tensor:
        """Z (N, D) -> x (N, 3, H, W)."""
        if self.noise == "fixed":
            x_N3HW: Tensor = super().forward(z)
            return x_N3HW
        layers = self.styled_layers()
        features_NCHW = styled(layers, z, [self.mapping(z)] * len(layers), noise_of(z, layers))
        x_N3HW = self.output((features_NCHW, z))
        return x_N3HW

    def after_loading(self) -> None:
        """Truncate, with an estimate of the mean w where the checkpoint has none."""
        if self.truncation == 1:
            return
        if not self.habits.stores_w_avg:
            self.mapping.estimate_average()
        for layer in self.styled_layers()[: self.truncation_layers]:
            layer.style.pull(self.mapping.w_avg, self.truncation)

    def styled_layers(self) -> list[StyledLayer]:
        """layer0, layer1, ..."""
        return [layer for layer in self.children() if isinstance(layer, StyledLayer)]


def styled(
    layers: Sequence[StyledLayer], x_NCHW: Tensor, w_LND: Sequence[Tensor], noise_LN1HW: Sequence[Tensor]
) -> Tensor:
    """Features after the last of these layers, by a w and a noise for each; layer0 does not look at `x`."""
    for layer, w_ND, noise_N1HW in zip(layers, w_LND, noise_LN1HW, strict=True):
        x_NCHW = layer.finish(layer.source(x_NCHW), w_ND, noise_N1HW)
    return x_NCHW


def noise_of(z_ND: Tensor, layers: Sequence[StyledLayer]) -> list[Tensor]:
    """Noise (N, 1, H, W) for each layer; an image's own is drawn from the bytes of its z."""
    drawn_from = streams(z_ND)
    found: list[Tensor] = []
    for k, layer in enumerate(layers):
        if not (k % 2 and layer.habits.shares_noise):
            drawn = [torch.randn(1, layer.size, layer.size, generator=stream) for stream in drawn_from]
        found.append(torch.stack(drawn).to(layer.noise))
    return found


def image_size(channels: Sequence[int]) -> int:
    """Height and width in pixels of what a generator of these `channels` makes."""
    return int(FIRST_SIZE * 2 ** (len(channels) - 1))
