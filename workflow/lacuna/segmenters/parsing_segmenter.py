"""A parsing network with its vocabulary and its pixels, as a segmenter: UPerNets that know parts and materials too.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.networks.folding import fold_batch_norms
from lacuna.runtime.precision import arithmetic
from lacuna.segmenters.parsing import PartBlock, best_class, num_part_channels, part_blocks, part_labels
from lacuna.segmenters.pixels import PixelNormalisation
from lacuna.segmenters.segmenter import CPU, check_finite
from lacuna.segmenters.upernet.model import UPerNet

SIGNED_RGB = PixelNormalisation("RGB", (127.5,) * 3, (127.5,) * 3)  # the chapel world's segmenters: [-1, 1]


@dataclass(frozen=True)
class ParsingSegmenter:
    """A parsing network, its vocabulary and its pixels.

    classes: names by category; of `object`, `part` and `material` the first is '-'. A label is a position in its list.
    part_owners: part -> object that it belongs to.
    size: pixels per side that it was trained for.
    precision: arithmetic of `label_maps`, one of PRECISIONS.
    name: family and file, for errors.
    """

    network: UPerNet
    classes: dict[str, list[str]]
    part_owners: dict[str, str]
    normalisation: PixelNormalisation
    size: int
    precision: str = "float32"
    name: str = "segmenter"

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.network.parameters()).device

    @property
    def backbone(self) -> nn.Module:
        """Its encoder."""
        return self.network.encoder

    def ready(self, device: torch.device = CPU, precision: str = "float32") -> "ParsingSegmenter":
        """In eval mode, batch norms folded, no gradients of weights, laid out in memory for its device."""
        network = self.network.eval().requires_grad_(False).to(device)
        fold_batch_norms(network)
        fast = network if device.type != "cpu" else network.encoder
        fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return replace(self, precision=precision)

    @torch.no_grad()
    def label_maps(
        self, images_NHW3: NDArray[np.uint8] | Tensor, heads: Collection[str] = ("object",)
    ) -> dict[str, Tensor]:
        """Label maps of uint8 RGB images, for the `heads` that are asked for: (N, H, W) int64, and (N,) for the scene.

        Parts are decided within the object of the pixel, so `part` computes the object head too.
        """
        x_N3HW = torch.as_tensor(images_NHW3).to(self.device).permute(0, 3, 1, 2).float()
        self.check_size(x_N3HW.shape[-2:])
        needed = set(heads) | ({"object"} if "part" in heads else set())
        with arithmetic(self.precision, self.device):
            logits = self.logits(x_N3HW, needed)
        check_finite(logits, self.name)
        size = x_N3HW.shape[-2:]
        labels: dict[str, Tensor] = {
            head: best_class(logits[head], size) for head in ("object", "material") if head in needed
        }
        if "part" in heads:
            labels["part"] = part_labels(logits["part"], labels["object"], self.blocks)
        if "scene" in heads:
            labels["scene"] = logits["scene"].flatten(1).argmax(dim=1)
        return {head: labels[head] for head in heads}

    def logits(self, x_N3HW: Tensor, heads: Collection[str]) -> dict[str, Tensor]:
        """Logits, float32, at the size of the finest map, of RGB in 0..255.

        On a CPU the encoder is faster with channels last in memory, the decoder with channels first.
        """
        maps = self.network.encoder(self.normalisation(x_N3HW).contiguous(memory_format=torch.channels_last))
        if self.device.type == "cpu":
            maps = [level.contiguous() for level in maps]
        return {head: found.float() for head, found in self.network.decoder(maps, heads).items()}

    def check_size(self, size: Sequence[int]) -> None:
        """Raise a ValueError where the coarsest map would not cover an image of `size` = (height, width) exactly."""
        stride = self.network.encoder.stride
        if any(side % stride for side in size):
            raise UserError(
                f"images of {size[1]} x {size[0]} pixels, expected sides that are multiples of {stride} for this "
                f"segmenter; set the source's `size`, say to {self.size}"
            )

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """The backbone's maps, finest first, of RGB images in [-1, 1]; differentiable."""
        maps: list[Tensor] = self.network.encoder(self.normalisation((x_N3HW + 1) * 127.5))
        return maps

    @property
    def blocks(self) -> list[PartBlock]:
        """Part channels by owner."""
        return part_blocks(self.classes["object"], self.classes["part"], self.part_owners)


def build_network(
    classes: Mapping[str, Sequence[str]], part_owners: Mapping[str, str], architecture: Mapping[str, Any]
) -> UPerNet:
    """An untrained network for this vocabulary; `architecture` holds `encoder`, `fpn_dim`, `ppm_dim`."""
    blocks = part_blocks(classes["object"], classes["part"], part_owners)
    channels = {category: len(names) for category, names in classes.items()} | {"part": num_part_channels(blocks)}
    return UPerNet(channels, architecture["encoder"], architecture["fpn_dim"], architecture["ppm_dim"])


def check_counts(
    classes: Mapping[str, Sequence[str]],
    part_owners: Mapping[str, str],
    state_dict: Mapping[str, Tensor],
    where: str,
    prefix: str = "",
) -> None:
    """Raise a ValueError if the heads have other numbers of classes than the labels."""
    blocks = part_blocks(classes["object"], classes["part"], part_owners)
    expected = {category: len(names) for category, names in classes.items()} | {"part": num_part_channels(blocks)}
    for category, count in expected.items():
        key = f"{prefix}{category}_head.{2 if category == 'scene' else 1}.weight"
        if key in state_dict and len(state_dict[key]) != count:
            raise UserError(
                f"{where}: the {category} head has {len(state_dict[key])} classes, its labels {count}; "
                "give the labels that belong to these weights"
            )
