"""The Frechet Segmentation Distance inside a training loop, as a metric of torchmetrics.

What is kept of images are whole numbers that add up: of pixels, and of products of pixels. So the value does not depend
on batches, on their order, or on how many processes share them.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchmetrics import Metric

from lacuna.areas.frechet import contributions, frechet
from lacuna.areas.moments import Moments, of_sums
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.formats import moments
from lacuna.formats.moments import SourceMoments
from lacuna.front.compare import segmenter_entry
from lacuna.front.given import uint8
from lacuna.planning.source_code import source_digest
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.class_areas import counted
from lacuna.segmenters.loading import load_segmenter

HEAD = "object"
SIDES = ("real", "generated")


@dataclass(frozen=True)
class ClassShare:
    """One class: mean areas in percent of the image, relative difference, and what it has in the distance."""

    name: str
    real_area: float
    generated_area: float
    relative_delta: float
    fsd_contribution: float


class FrechetSegmentationDistance(Metric):
    """FSD of the generated images that came by to the real ones, in (percent of image area) squared.

    The same moments and distance as the workflow's, of objects; intervals and verdicts are those of `compare`, since
    they need each image's areas.

    Args:
        segmenter: as in `compare`.
        size: pixels per side that images are brought to; those that the segmenter was trained for where None.
        reference: moments of the real images, as `save_reference` or the workflow's stage `moments` wrote them.
        reset_real: whether `reset` forgets the real images too, which are the same in every epoch of most trainings.
        kwargs: of torchmetrics.

    Raises:
        UserError: no such segmenter, or a reference of another one.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    real_count: Tensor
    real_sum: Tensor
    real_product: Tensor

    def __init__(
        self,
        segmenter: str | Path | Mapping[str, Any] = "chapel",
        size: int | None = None,
        reference: str | Path | None = None,
        reset_real: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        entry = segmenter_entry(segmenter)
        self._segmenter = load_segmenter(
            entry["family"],
            entry["checkpoint"],
            settings={key: value for key, value in entry.items() if key not in ("family", "checkpoint")},
        )
        self._size = size or self._segmenter.size
        self._prepare = Preparation(self._size)
        self._reset_real = reset_real
        self.classes = list(self._segmenter.classes[HEAD])
        self._reference = self._read(reference) if reference else None
        num_classes = len(self.classes)
        for side in SIDES:
            for name, shape in (("count", ()), ("sum", (num_classes,)), ("product", (num_classes, num_classes))):
                self.add_state(f"{side}_{name}", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, images: Tensor, real: bool) -> None:
        """Count the areas of a batch.

        Args:
            images: (N, 3, H, W) or (N, H, W, 3); uint8, or floats of 0 to 1.
            real: which side they are of.

        Raises:
            UserError: no such images, or real ones beside a reference.
        """
        if real and self._reference:
            raise UserError("update: found real images beside a reference, expected one of them; leave out the other")
        if self._segmenter.device != self.device:
            self._segmenter = self._segmenter.ready(self.device)
        labels = self._segmenter.label_maps(self._prepared(uint8(images).to(self.device)), (HEAD,))
        area_NC = torch.cat(list(counted(labels, self._segmenter.classes, (HEAD,))), dim=1)
        rows_NC = area_NC.double()  # whole numbers, and sums of few products of these, fit into its 53 bits
        side = "real" if real else "generated"
        for name, found in (
            ("count", torch.tensor(len(area_NC), device=self.device)),
            ("sum", area_NC.sum(dim=0)),
            ("product", (rows_NC.T @ rows_NC).round().long()),
        ):
            setattr(self, f"{side}_{name}", getattr(self, f"{side}_{name}") + found)

    def compute(self) -> Tensor:
        """The distance, over all processes."""
        return torch.tensor(frechet(*self._sides()).fsd, dtype=torch.float64)

    def class_table(self) -> list[ClassShare]:
        """Every class, over all processes, those first that have most in the distance."""
        with self.sync_context(dist_sync_fn=self.dist_sync_fn, should_sync=self._to_sync):
            real, generated = self._sides()
        shares_C = contributions(real, generated).by_class
        with np.errstate(divide="ignore", invalid="ignore"):
            delta_C = generated.mean / real.mean - 1
        columns = zip(self.classes, real.mean, generated.mean, delta_C, shares_C, strict=True)
        rows = [ClassShare(name, *map(float, numbers)) for name, *numbers in columns]
        return sorted(rows, key=lambda row: -row.fsd_contribution)

    def save_reference(self, path: str | Path) -> None:
        """Write the moments of the real images so far, of all processes, for `reference`."""
        with self.sync_context(dist_sync_fn=self.dist_sync_fn, should_sync=self._to_sync):
            found = self._moments("real")
        source = SourceMoments(found, self.classes, [HEAD] * len(self.classes), self._size**2)
        moments.write(path, source, Provenance("metric", source_digest(__name__)))

    def reset(self) -> None:
        """Forget the generated images, and the real ones if asked for."""
        kept = {} if self._reset_real else {name: getattr(self, f"real_{name}") for name in ("count", "sum", "product")}
        super().reset()
        for name, state in kept.items():
            setattr(self, f"real_{name}", state)

    def _prepared(self, images_NHW3: Tensor) -> Tensor:
        """The images at the common size, brought there as the workflow does."""
        if images_NHW3.shape[1:3] == (self._size, self._size):
            return images_NHW3
        resized = [self._prepare(Image.fromarray(image)) for image in images_NHW3.cpu().numpy()]
        return torch.from_numpy(np.stack(resized)).to(self.device)

    def _sides(self) -> tuple[Moments, Moments]:
        return self._reference or self._moments("real"), self._moments("generated")

    def _moments(self, side: str) -> Moments:
        """Moments of one side, in percent of the image."""
        count, sum_C, product_CC = (
            getattr(self, f"{side}_{name}").cpu().numpy() for name in ("count", "sum", "product")
        )
        if not count:
            raise UserError(
                f"compute: found no {side} image, expected some; update the metric with real={side == 'real'}"
            )
        return of_sums(int(count), sum_C, product_CC, 100 / self._size**2)

    def _read(self, path: str | Path) -> Moments:
        """Moments of a reference, which must be of this segmenter's classes and of images of this size."""
        found = moments.read(path)
        chosen = np.flatnonzero(np.array(found.categories) == HEAD)
        objects = found.columns(chosen)
        if (objects.classes, objects.image_px) != (self.classes, self._size**2):
            raise UserError(
                f"{path}: {len(objects.classes)} classes of images of {objects.image_px} pixels, expected the "
                f"{len(self.classes)} of this segmenter and {self._size**2} pixels; save the reference anew"
            )
        return objects.moments
