"""What the segmenter's training minimises and what it is judged by.

Shape suffixes: N images, K classes, H and W size of the label map.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lacuna.segmenters.parsing import PartBlock, num_part_channels
from lacuna.segmenters.upernet.model import resized

UNLABELLED = -100
OUTSIDE = -1e4  # logit of a part channel that belongs to another object


class ParsingLoss:
    """Sum of four cross-entropies: object, part within its owner, material, scene.

    Args:
        blocks: part channels by owner.
        num_objects, num_parts: lengths of the class lists.
        weights: factor of each head.
        class_weights: weight of each class, by head; absent means all equal.
    """

    def __init__(
        self,
        blocks: Sequence[PartBlock],
        num_objects: int,
        num_parts: int,
        weights: Mapping[str, float],
        class_weights: Mapping[str, Tensor],
    ) -> None:
        channels = num_part_channels(blocks)
        self.outside_OK = torch.full((num_objects, channels), OUTSIDE)
        self.channel_OP = torch.full((num_objects, num_parts), UNLABELLED)
        for block in blocks:
            self.outside_OK[block.owner, block.channels] = 0
            for channel, part in enumerate(block.parts, start=block.first):
                self.channel_OP[block.owner, part] = channel
        self.weights = dict(weights)
        self.class_weights = dict(class_weights)

    def to(self, device: torch.device) -> "ParsingLoss":
        """Move the look-up tables to a device."""
        self.outside_OK, self.channel_OP = self.outside_OK.to(device), self.channel_OP.to(device)
        self.class_weights = {head: weights.to(device) for head, weights in self.class_weights.items()}
        return self

    def __call__(self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The four terms, each times its weight; their sum is the loss."""
        size = labels["object"].shape[-2:]
        terms = {"scene": functional.cross_entropy(logits["scene"].flatten(1), labels["scene"])}
        for head in ("object", "material"):
            found = resized(logits[head], size)
            terms[head] = functional.cross_entropy(found, labels[head], self.class_weights.get(head))
        objects_NHW = labels["object"]
        owned = resized(logits["part"], size) + self.outside_OK[objects_NHW].permute(0, 3, 1, 2)
        channel_NHW = self.channel_OP[objects_NHW, labels["part"]]
        labelled = (channel_NHW != UNLABELLED).sum().clamp(min=1)  # a batch may hold no owner at all
        total = functional.cross_entropy(owned, channel_NHW, ignore_index=UNLABELLED, reduction="sum")
        terms["part"] = total / labelled
        return {head: self.weights[head] * term for head, term in terms.items()}


def class_weights(pixels_K: NDArray[np.int64], power: float) -> Tensor:
    """Weights frequency^-power, scaled so that a pixel weighs 1 on average; classes that do not occur weigh 1.

    Args:
        pixels_K: pixels of each class in a sample of the training scenes.
        power: 0 treats pixels alike, 1 classes; in between, rare classes count more and do not flood what is around.
    """
    frequency = pixels_K / pixels_K.sum()
    weights = np.where(pixels_K > 0, np.maximum(frequency, 1e-4) ** -power, 0.0)
    weights /= (weights * frequency).sum()
    return torch.from_numpy(np.where(pixels_K > 0, weights, 1.0)).float()


def intersection_over_union(confusion_KK: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU of each class: (K,), NaN for a class that does not occur in the truth."""
    both = np.diag(confusion_KK).astype(np.float64)
    union = confusion_KK.sum(axis=0) + confusion_KK.sum(axis=1) - both
    occurs = confusion_KK.sum(axis=1) > 0
    return np.divide(both, union, out=np.full(len(both), np.nan), where=occurs)
