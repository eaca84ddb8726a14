"""The style-based generator of the second version (StyleGAN2), at any width; also in its class-conditional form.

    z -> mapping -> w -> b4 -> b8 -> ... -> x

A layer of the chain is the mapping network or a block; a block doubles the size, and the states between them are
(features, image, w): every block adds its own output to the image of the blocks before. Within a block: convolution
modulated by w -> noise -> bias -> leaky ReLU, twice, then the output.

x depends on z (and the class) alone, whatever the batch or shard, in one of three ways. `fixed` noise, the published
code's `const`: a layer has one noise image, a buffer, that of the checkpoint, or, where it has none, drawn from
NOISE_SEED and the layer's number. `none`: no noise. `per_image` noise: drawn anew for every image, from its z, as the
published statistics were measured. Heads and tails of a generator that draws it have the fixed noise, as nothing there
knows z.

Truncation pulls the w of the first `truncation_layers` vectors (of all where None) towards its mean. There are two
vectors at 4 pixels and two more at each larger size; a block's output shares its vector with the next one's first
convolution.

Shape suffixes: N images, D latent numbers of z or w, L vectors, H height, W width.

Source:
    Karras et al. 2020, arXiv:1912.04958, and NVlabs/stylegan2-ada-pytorch's network.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.chain import Generator
from lacuna.generators.noise import streams
from lacuna.generators.stylegan2.layers import FIRST_SIZE, Block, Mapping, StyledConv, ToRgb

NOISES = ("fixed", "none", "per_image")
MAPPING_RATE = 0.01  # learning rate of the published mapping network, relative to the others'


@dataclass(frozen=True)
class Architecture:
    """What a checkpoint says of its network.

    Attributes:
        z_dim: latent numbers of z.
        widths: of the mapping network's layers, w last.
        channels: at 4, 8, 16, ... pixels.
        num_classes: classes that it draws on demand; 0 for none.
        label_width: numbers that a class becomes before the mapping network.
        rate: learning rate of the mapping network.
        has_noise: whether it was trained with noise.
        stores_noise: whether the noise images are among the weights.
        stores_w_avg: whether the mean of w is.
    """

    z_dim: int
    widths: Sequence[int]
    channels: Sequence[int]
    num_classes: int = 0
    label_width: int = 0
    rate: float = MAPPING_RATE
    has_noise: bool = True
    stores_noise: bool = True
    stores_w_avg: bool = True


class Style2Generator(Generator):
    """z -> x, or (c, z) -> x.

    Args:
        truncation: how far w may lie from its mean, 0 (not at all) to 1 (as it is).
        truncation_layers: how many vectors this holds for, from the first on; all where None.
        noise: one of NOISES; `per_image` for the generator as a whole.
        label: the one class that is drawn, so that z alone goes in; where None, c says which.

    Raises:
        UserError: unknown noise or label.
    """

    mapping: Mapping

    def __init__(
        self, architecture: Architecture, truncation: float = 1.0, truncation_layers: int | None = None,
        noise: str = "fixed", label: int | None = None,
    ) -> None:  # fmt: skip
        found = architecture
        mapping = Mapping(
            found.z_dim, found.widths, found.num_classes, found.label_width, found.rate, found.stores_w_avg
        )
        blocks = OrderedDict[str, torch.nn.Module](mapping=mapping)
        before = found.channels[0]
        for k, channels in enumerate(found.channels):
            blocks[f"b{FIRST_SIZE * 2**k}"] = Block(
                k, before, channels, found.widths[-1], k == len(found.channels) - 1, found.has_noise,
                found.stores_noise,
            )  # fmt: skip
            before = channels
        super().__init__(blocks)
        self.z_dim, self.size = found.z_dim, FIRST_SIZE * 2 ** (len(found.channels) - 1)
        self.architecture, self.noise = found, noise
        self.truncation, self.truncation_layers = truncation, truncation_layers
        self._choose(noise, label)

    def _choose(self, noise: str, label: int | None) -> None:
        if noise not in NOISES:
            raise UserError(f"noise {noise!r} is unknown, expected one of: {', '.join(NOISES)}")
        if noise == "none":
            for layer in self.convs():
                layer.noise_is_on = False
        count = self.architecture.num_classes
        if label is None:
            self.classes = tuple(range(count))
        elif not count:
            raise UserError(f"label {label} asked for, but the network has no classes; leave label out")
        elif not 0 <= label < count:
            raise UserError(f"label {label} asked for, expected 0 to {count - 1}; correct the generator's label")
        self.mapping.label = label

    def forward(self, cz_ND: Tensor) -> Tensor:
        """Z (N, D), or (c, z) in one row, -> x (N, 3, H, W)."""
        if self.noise != "per_image":
            x_N3HW: Tensor = super().forward(cz_ND)
            return x_N3HW
        return self.synthesize([self.mapping(cz_ND)] * self.num_vectors, self.noise_of(self.mapping.latent(cz_ND)))

    def synthesize(self, w_LND: Sequence[Tensor], noise: Sequence[Tensor] | None = None) -> Tensor:
        """X (N, 3, H, W) by a w for each vector, and a noise (N, 1, H, W) for each convolution; fixed where None."""
        features_NCHW = image_N3HW = None
        rest = list(noise) if noise is not None else None
        for block in self.blocks():
            count = len(block.convs())
            own, rest = (rest[:count], rest[count:]) if rest is not None else (None, None)
            features_NCHW, image_N3HW = block.draw(features_NCHW, image_N3HW, w_LND[block.vectors], own)
        assert image_N3HW is not None
        return image_N3HW

    def noise_of(self, z_ND: Tensor) -> list[Tensor]:
        """Noise (N, 1, H, W) for each convolution; an image's own is drawn from the bytes of its z."""
        drawn_from = streams(z_ND)
        return [
            torch.stack([torch.randn(1, layer.size, layer.size, generator=stream) for stream in drawn_from]).to(z_ND)
            for layer in self.convs()
        ]

    def after_loading(self) -> None:
        """Truncate, with an estimate of the mean w where the checkpoint has none."""
        if self.truncation == 1:
            return
        if not self.architecture.stores_w_avg:
            self.mapping.estimate_average()
        for block in self.blocks():
            for vector, layer in zip(range(self.num_vectors)[block.vectors], block.children(), strict=True):
                assert isinstance(layer, StyledConv | ToRgb)
                if self.truncation_layers is None or vector < self.truncation_layers:
                    layer.affine.truncate(self.mapping.w_avg, self.truncation)

    @property
    def num_vectors(self) -> int:
        """How many w an image is made of, counted once each where blocks share them."""
        return 2 * len(self.architecture.channels)

    def blocks(self) -> list[Block]:
        """b4, b8, ..."""
        return [layer for layer in self.children() if isinstance(layer, Block)]

    def convs(self) -> list[StyledConv]:
        """All convolutions with noise, in order."""
        return [layer for block in self.blocks() for layer in block.convs()]
