"""From a parsing network's logits to label maps: which part channels belong to which object, and the arg-max.

The part head has a block of channels for each object that has parts, the owner; a block's first channel is '-', "the
owner, but none of its parts". A pixel's part is the best channel of the block of the pixel's object, so no softmax is
needed.

Shape suffixes: N images, K channels, H and W size of the label map.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.segmenters.upsampled_argmax import upsampled_argmax

NOTHING = "-"


@dataclass(frozen=True)
class PartBlock:
    """The part channels of one object, from `first` on.

    owner: position among the objects.
    parts: position of each channel's class among the parts.
    """

    owner: int
    first: int
    parts: tuple[int, ...]

    @property
    def channels(self) -> slice:
        """Where the block is among the part head's channels."""
        return slice(self.first, self.first + len(self.parts))


def part_blocks(objects: Sequence[str], parts: Sequence[str], owner_of: Mapping[str, str]) -> list[PartBlock]:
    """Blocks in the order in which the owners first occur in `parts`.

    Args:
        objects, parts: class names; position 0 is '-'.
        owner_of: part -> object that it belongs to.
    """
    owners = list(dict.fromkeys(owner_of[part] for part in parts[1:]))
    blocks, first = [], 0
    for owner in owners:
        if owner not in objects:
            raise UserError(f"parts of {owner!r}, which is none of the objects; found {', '.join(objects)}")
        positions = (0, *(place for place, part in enumerate(parts) if place and owner_of[part] == owner))
        blocks.append(PartBlock(objects.index(owner), first, positions))
        first += len(positions)
    return blocks


def num_part_channels(blocks: Sequence[PartBlock]) -> int:
    """Output channels of the part head."""
    return sum(len(block.parts) for block in blocks)


def best_class(logits_NKHW: Tensor, size: Sequence[int]) -> Tensor:
    """Arg-max over the classes after bilinear interpolation to `size`, an image at a time: (N, H, W) int64."""
    return torch.stack([upsampled_argmax(image, size) for image in logits_NKHW])


def part_labels(logits_NKHW: Tensor, objects_NHW: Tensor, blocks: Sequence[PartBlock]) -> Tensor:
    """Each pixel's part, given its object; 0 where the object has no parts: (N, H, W) int64."""
    size = objects_NHW.shape[-2:]
    labels_NHW = torch.zeros_like(objects_NHW)
    for block in blocks:
        owned_NHW = objects_NHW == block.owner
        images = owned_NHW.flatten(1).any(dim=1).nonzero()[:, 0]
        if len(images):
            channel = best_class(logits_NKHW[images, block.channels], size)
            parts = torch.tensor(block.parts, device=channel.device)
            labels_NHW[images] = torch.where(owned_NHW[images], parts[channel], labels_NHW[images])
    return labels_NHW
