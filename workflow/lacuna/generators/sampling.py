"""Images of a generator by index, whatever draws them: a chain of layers from its z, or what a family has instead.

z of image i is row i of numpy's `RandomState(seed).standard_normal`, as in the published code, so image i is the same
whatever the count and the shards. A generator with K classes draws them in turn, image i the class i mod K; several
checkpoints, each of other classes, are sampled as one generator. A generator that brings its encoder has no prior: z of
image i is what the encoder makes of image i of a source.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacuna import families
from lacuna.data.latents import latents
from lacuna.errors import UserError
from lacuna.generators.acgan.model import SplitGenerator
from lacuna.generators.chain import Generator
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.networks.pixels import from_bytes


@dataclass(frozen=True)
class Request:
    """Images of one shard, yet to be drawn.

    Attributes:
        count: how many.
        draw: consecutive rows of them -> images (N, 3, H, W), about [-1, 1].
        kept: what each is drawn from, (N, ...) by the array's name in an image shard.
    """

    count: int
    draw: Callable[[slice], Tensor]
    kept: dict[str, Any]


class Sampler(Protocol):
    """Images by index: seed, first and last give what draws them. Image i follows from (seed, i) alone."""

    @property
    def note(self) -> Mapping[str, Any]:
        """What a file says of it, beside family and settings."""
        ...

    def __call__(self, seed: int, first: int, last: int) -> Request: ...


def load_sampler(
    family: str, checkpoints: Sequence[Path], device: torch.device, settings: Mapping[str, Any]
) -> Sampler:
    """What samples a generator.

    Args:
        checkpoints: one, or several of a family with classes, each of other ones.
        settings: what the configuration says of the generator beside family and checkpoint.

    Raises:
        UserError: as `load_generator` does; or several checkpoints of a family without classes.
    """
    if families.family("generators", family).has_layers:
        return ChainSampler([load_generator(family, path, device, settings) for path in checkpoints])
    if len(checkpoints) > 1:
        raise UserError(f"{len(checkpoints)} checkpoints of a family that has no class splits, expected one")
    found: Sampler = families.loader("generators", family)(checkpoints[0], device, **settings)
    return found


class ChainSampler:
    """Samples one chain of layers, or several that know different classes."""

    note: Mapping[str, Any] = {}

    def __init__(self, parts: Sequence[Generator]) -> None:
        self.parts = parts

    def __call__(self, seed: int, first: int, last: int) -> Request:
        z_ND = latents(seed, first, last, self.parts[0].z_dim)
        generator, label_N = conditional(self.parts, np.arange(first, last + 1))
        device = next(generator.parameters()).device
        kept = {name: array for name, array in (("z", z_ND), ("label", label_N)) if array is not None}
        inputs = [torch.from_numpy(array) for array in kept.values()]
        return Request(len(z_ND), lambda rows: generator(*(tensor[rows].to(device) for tensor in inputs)), kept)


class Redrawer:
    """Draws real images again, by a generator that brings its encoder.

    Raises:
        UserError: it brings none.
    """

    def __init__(self, family: str, checkpoint: Path, device: torch.device, settings: Mapping[str, Any]) -> None:
        self.generator, self.device = load_generator(family, checkpoint, device, settings), device
        encoder = load_own_encoder(family, checkpoint, device, settings)
        if encoder is None:
            raise UserError(f"{checkpoint}: no encoder, expected one for images to be drawn again; give no images")
        self.encoder, self.size = encoder, self.generator.size

    def __call__(self, images_NHW3: NDArray[np.uint8]) -> Request:
        z_ND = np.empty((len(images_NHW3), self.generator.z_dim), np.float32)

        def draw(rows: slice) -> Tensor:
            found: Tensor = self.encoder(from_bytes(images_NHW3[rows], self.device))
            z_ND[rows] = found.cpu().numpy()
            return cast(Tensor, self.generator(found))

        return Request(len(images_NHW3), draw, {"z": z_ND})


def conditional(parts: Sequence[Generator], index_N: NDArray[np.int64]) -> tuple[nn.Module, NDArray[np.int64] | None]:
    """The generators as one, and the label of each image; of a generator without classes itself, and none.

    Raises:
        UserError: several generators that are not of classes, or share one.
    """
    if len(parts) == 1 and not parts[0].classes:
        return parts[0], None
    if not all(part.classes for part in parts):
        raise UserError(f"{len(parts)} checkpoints of a family without classes, expected one")
    generator = SplitGenerator(parts)
    return generator, np.array(generator.classes)[index_N % len(generator.classes)]
