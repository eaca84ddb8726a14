"""Networks that others have trained, as segmenters: scores of one list of classes in every pixel, whatever gives them.

Shape suffixes: N images, K classes, h and w size of the map of scores, H and W of the image.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError
from lacuna.runtime.precision import arithmetic
from lacuna.segmenters.parsing import NOTHING
from lacuna.segmenters.pixels import PixelNormalisation
from lacuna.segmenters.segmenter import CPU, check_finite
from lacuna.segmenters.upsampled_argmax import upsampled_argmax

REFUSALS = (
    RuntimeError,
    ValueError,
    AssertionError,
    TypeError,
)  # at an image that does not suit a network


class Scorer(Protocol):
    """What tells classes apart: a network with its post-processing up to the scores."""

    def to(self, device: torch.device) -> "Scorer":
        """The same on a device, ready to be used."""

    def scores(self, x_N3HW: Tensor) -> Iterator[Tensor]:
        """Of each normalised image the scores (K, h, w) at the network's own size, or labels (H, W) of integers."""

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """The backbone's maps of normalised images, finest first; differentiable."""


@dataclass(frozen=True)
class ScoredSegmenter:
    """A scorer, the names of its classes and its pixels.

    names: of its channels; '-' is put before them where none means nothing.
    size: pixels per side that it was trained for.
    tried: sizes of images that the scorer has taken.
    """

    scorer: Scorer
    names: list[str]
    normalisation: PixelNormalisation
    size: int
    name: str
    device: torch.device = CPU
    precision: str = "float32"
    tried: set[tuple[int, int]] = field(default_factory=set, compare=False)

    @property
    def classes(self) -> dict[str, list[str]]:
        """One category, objects, the first of them '-'."""
        return {"object": self.names if self.names[0] == NOTHING else [NOTHING, *self.names]}

    @property
    def backbone(self) -> None:
        """Not shown: what these networks decide from has another form in each, and a program shows nothing."""
        return None

    def ready(self, device: torch.device = CPU, precision: str = "float32") -> "ScoredSegmenter":
        """On its device, in its arithmetic."""
        return replace(self, scorer=self.scorer.to(device), device=device, precision=precision)

    @torch.no_grad()
    def label_maps(
        self, images_NHW3: NDArray[np.uint8] | Tensor, heads: Collection[str] = ("object",)
    ) -> dict[str, Tensor]:
        """Object of each pixel of uint8 RGB images: (N, H, W) int64; scores are enlarged before the best is taken.

        Raises:
            UserError: another head, a size that the network does not take, scores of another form or not finite.
        """
        if set(heads) != {"object"}:
            raise UserError(f"{self.name}: asked for {', '.join(heads)}, it tells objects alone; set segment's heads")
        x_N3HW = self.normalisation(torch.as_tensor(images_NHW3).to(self.device).permute(0, 3, 1, 2).float())
        self._try(x_N3HW)
        with arithmetic(self.precision, self.device):
            labels = [self._labels(scores, x_N3HW.shape[-2:]) for scores in self.scorer.scores(x_N3HW)]
        return {"object": torch.stack(labels) + len(self.classes["object"]) - len(self.names)}

    def features(self, x_N3HW: Tensor) -> Sequence[Tensor]:
        """The backbone's maps, finest first, of RGB images in [-1, 1]; differentiable."""
        return self.scorer.features(self.normalisation((x_N3HW + 1) * 127.5))

    def _try(self, x_N3HW: Tensor) -> None:
        """Give the network one image of a size that is new to it; what it refuses then is a matter of its size."""
        height, width = x_N3HW.shape[-2:]
        if (height, width) in self.tried:
            return
        try:
            list(self.scorer.scores(x_N3HW[:1]))
        except REFUSALS as error:
            if isinstance(error, UserError | torch.OutOfMemoryError):
                raise
            raise UserError(
                f"{self.name}: takes no image of {width} x {height} pixels ({str(error).splitlines()[0]}); "
                f"set the segmenter's `size`, say to {self.size}"
            ) from None
        self.tried.add((height, width))

    def _labels(self, scores: Tensor, size: Sequence[int]) -> Tensor:
        """Channel of each pixel of an image, (H, W) int64."""
        if scores.ndim == 2:
            return labels_checked(scores, len(self.names), size, self.name)
        if len(scores) != len(self.names):
            raise UserError(
                f"{self.name}: the axis of classes has {len(scores)} channels, its names are {len(self.names)}; "
                "give `labels`, a name for each channel"
            )
        scores_Khw = scores.float()
        check_finite({"object": scores_Khw}, self.name)
        return upsampled_argmax(scores_Khw, size)


def labels_checked(labels_HW: Tensor, num_classes: int, size: Sequence[int], name: str) -> Tensor:
    """Labels as the network itself decided them, which cannot be enlarged any more.

    Raises:
        UserError: a map of another size than the image's, or labels beyond the names.
    """
    if tuple(labels_HW.shape) != tuple(size):
        raise UserError(
            f"{name}: labels of {labels_HW.shape[1]} x {labels_HW.shape[0]} for an image of {size[1]} x {size[0]} "
            "pixels, expected equal sizes; export the logits, before the arg-max"
        )
    if labels_HW.min() < 0 or labels_HW.max() >= num_classes:
        low, high = (int(label) for label in labels_HW.aminmax())
        raise UserError(
            f"{name}: labels from {low} to {high}, its names are {num_classes}; give `labels`, one for each"
        )
    return labels_HW.long()


def class_names(names: Sequence[str], name: str) -> list[str]:
    """Names of the channels; of several that are alike, the later ones get a number.

    Raises:
        UserError: names that say nothing, such as LABEL_0.
    """
    if not names or any(text.startswith("LABEL_") for text in names):
        found = ", ".join(names[:2]) or "none"
        raise UserError(f"{name}: names of classes are missing (found {found}); give `labels`, one for each channel")
    return [
        text if text not in names[:place] else f"{text} {list(names[: place + 1]).count(text)}"
        for place, text in enumerate(names)
    ]
