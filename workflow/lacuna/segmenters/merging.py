"""Objects that count as one: a segmenter with a shorter list, so that a large vocabulary folds to what is asked for."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.segmenters.parsing import NOTHING
from lacuna.segmenters.segmenter import CPU, Segmenter

REST = "*"  # all objects that no other list names


@dataclass(frozen=True)
class MergedSegmenter:
    """A segmenter whose objects are the merged ones; its other categories are as they were.

    objects: the new list.
    position: of each old object in it.
    """

    segmenter: Segmenter
    objects: list[str]
    position: tuple[int, ...]

    @property
    def classes(self) -> dict[str, list[str]]:
        """Names by category."""
        return self.segmenter.classes | {"object": self.objects}

    @property
    def size(self) -> int:
        """Pixels per side that it was trained for."""
        return self.segmenter.size

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.segmenter.device

    @property
    def backbone(self) -> nn.Module | None:
        """That of the segmenter."""
        return self.segmenter.backbone

    def ready(self, device: torch.device = CPU, precision: str = "float32") -> "MergedSegmenter":
        """On its device, in its arithmetic."""
        return MergedSegmenter(self.segmenter.ready(device, precision), self.objects, self.position)

    def label_maps(
        self, images_NHW3: NDArray[np.uint8] | Tensor, heads: Collection[str] = ("object",)
    ) -> dict[str, Tensor]:
        """Label maps, merged after each pixel's object has been decided."""
        labels = self.segmenter.label_maps(images_NHW3, heads)
        if "object" in labels:
            old_NHW = labels["object"]
            labels["object"] = torch.tensor(self.position, device=old_NHW.device)[old_NHW]
        return labels

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """The backbone's."""
        return self.segmenter.features(x_N3HW)


def merged(segmenter: Segmenter, groups: Mapping[str, Sequence[str]]) -> Segmenter:
    """The segmenter with some of its objects counted as one; itself where there is nothing to merge."""
    if not groups:
        return segmenter
    objects, position = merged_objects(segmenter.classes["object"], groups)
    return MergedSegmenter(segmenter, objects, position)


def merged_objects(objects: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[list[str], tuple[int, ...]]:
    """The new list, each whole where its first object was, and the position of each old object in it.

    Raises:
        UserError: a name that is no object, or is in two lists, or a whole called like an object that is not in it.
    """
    whole_of: dict[str, str] = {}
    for whole, names in groups.items():
        for name in names:
            if name != REST and name not in objects:
                close = difflib.get_close_matches(name, objects, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"expected some of {', '.join(objects)}"
                raise UserError(f"merge.{whole}: found {name!r}, none of the segmenter's objects; {hint}")
            if name in whole_of:
                raise UserError(f"merge.{whole}: {name!r} is in {whole_of[name]!r} too, expected it in one list")
            whole_of[name] = whole
    rest = whole_of.pop(REST, None)
    names = [NOTHING if name == NOTHING else whole_of.get(name, rest if rest is not None else name) for name in objects]
    for whole in groups:
        if whole in objects and whole != NOTHING and names[list(objects).index(whole)] != whole:
            raise UserError(f"merge.{whole}: {whole!r} is an object that goes elsewhere; give the whole another name")
    new = list(dict.fromkeys(names))
    return new, tuple(new.index(name) for name in names)
