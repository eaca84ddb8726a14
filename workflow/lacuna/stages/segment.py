"""Segment images: each image becomes one row of class areas, counted in pixels, and its regions are looked at.

How a class looks is seen here, where the backbone's maps are at hand: a second pass would cost as much as the first.
Only the heads whose areas are stored are computed. An image that cannot be read is a row of `skipped`, with the reason.

Shape suffixes: N images, C classes.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lacuna import families
from lacuna.areas.images_read import one_color, pixels_hash
from lacuna.config.distribution import Regions
from lacuna.data import Batch, Images, open_images, shards_of
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.data.subset import subset_seed
from lacuna.errors import UserError
from lacuna.formats import areas, regions
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.class_areas import counted
from lacuna.segmenters.kept_regions import RegionKeeper
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.region_features import passing_maps
from lacuna.segmenters.segmenter import Segmenter

log = logging.getLogger(__name__)
HEADS = ("object", "part", "material")  # the label maps that have areas, in the order of the table's columns


class Job(command.ComputingJob):
    """What the stage is told."""

    family: str = Field(description="architecture of the segmenter")
    checkpoint: str = Field(description="weights of the segmenter")
    segmenter_settings: dict[str, Any] = Field({}, description="JSON: what its entry says beside its weights")
    images: list[str] = Field(description="image shards (.h5), or one path of a user")
    manifest: str = Field("", description="what the workflow saw of the user's source when it started")
    planned: str = Field("", description="digest of the user's files as the shard was planned")
    first: int = Field(description="first image")
    last: int = Field(description="last image, included")
    settings: dict[str, Any] = Field(description="JSON: heads, size, source, precision, groups")
    kept: Regions = Field(description="JSON: what is kept of regions")
    seed: int = Field(description="root seed of the choice of regions")
    batch_size: int
    table: str = Field(description="HDF5 file to write")
    regions: str = Field(description="HDF5 file of regions to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("segment", Job, __doc__, argv)
    compute.configure(job.threads)
    device, precision = compute.device(job.device), job.settings["precision"]
    segmenter = load_segmenter(job.family, job.checkpoint, device, precision, job.segmenter_settings)
    heads = checked_heads(job.settings["heads"])
    source = job.settings.get("source", {})
    preparation = Preparation.of(job.settings, segmenter.size)
    images = open_images(
        job.images,
        job.first,
        job.last,
        preparation,
        subset_seed(source),
        Plan(job.manifest, job.planned),
        source.get("stored_size"),
    )
    size = BatchSize(job.batch_size)
    looked_at = LookedAt(images)
    classes, categories = columns(segmenter.classes, heads)
    keeper = RegionKeeper(classes, categories, job.kept, job.seed)
    index_N, area_px_NC = segmented_areas(segmenter, looked_at, heads, size, keeper)
    for skipped in images.skipped:
        log.warning("skipped image %d, %s: %s", skipped.index, skipped.name, skipped.reason)
    if images.multi_frame:
        log.info("%d files hold several frames or pages; the first of each was read", images.multi_frame)
    groups_N = images.groups(index_N, job.settings.get("groups"))
    table = areas.ClassAreas(
        area_px_NC, index_N, classes, categories, images.image_px, images.skipped, images.resolutions,
        preparation.text, looked_at.content, looked_at.num_one_color, images.multi_frame,
        groups_N,
    )  # fmt: skip
    inputs = [*shards_of(job.images), *weights_of(job)]
    own = {"segmenter": job.segmenter_settings} if job.segmenter_settings else {}
    config = job.settings | own | size.note()
    areas.write(job.table, table, Provenance("segment", job.code, config, None, inputs, images.listing))
    origin = Provenance("segment", job.code, config | job.kept.given(), job.seed, inputs, images.listing)
    regions.write(job.regions, keeper.table(index_N, images.image_px, groups_N), origin)


class LookedAt:
    """The batches of a source, with what is noted of each image in passing: a hash of its pixels, and plain ones."""

    def __init__(self, images: Images) -> None:
        self.images, self.num_one_color = images, 0
        self._content: list[NDArray[np.uint64]] = []

    @property
    def content(self) -> NDArray[np.uint64]:
        """Hash of the pixels of each image so far, (N,)."""
        return np.concatenate(self._content) if self._content else np.empty(0, np.uint64)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """The source's own."""
        for index_N, images_NHW3 in self.images.batches(batch_size):
            self._content.append(pixels_hash(images_NHW3))
            self.num_one_color += one_color(images_NHW3)
            yield index_N, images_NHW3


def checked_heads(asked: Sequence[str]) -> tuple[str, ...]:
    """The heads asked for, in the order of the columns."""
    unknown = sorted(set(asked) - set(HEADS))
    if unknown or not asked:
        raise UserError(f"heads: found {', '.join(unknown) or 'none'}, expected some of {', '.join(HEADS)}")
    return tuple(head for head in HEADS if head in asked)


def segmented_areas(
    segmenter: Segmenter, images: LookedAt, heads: Sequence[str], size: BatchSize, keeper: RegionKeeper
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Index of each readable image, and its areas in pixels: (N,) and (N, C); regions go to the keeper."""
    index: list[NDArray[np.int64]] = []
    rows: list[NDArray[np.int64]] = []
    with passing_maps(segmenter) as maps:
        for index_N, images_NHW3 in command.progress(images.batches(size.asked), desc="segment", unit="batch"):
            index.append(index_N)
            done = 0
            for labels, area_NC in in_batches(
                partial(labels_and_areas, segmenter, images_NHW3, heads), len(images_NHW3), size
            ):
                part = slice(done, done + len(area_NC))
                keeper.add(index_N[part], images_NHW3[part], labels, maps)
                rows.append(area_NC)
                done = part.stop
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty((0, len(keeper.classes)), dtype=np.uint32)
    return np.concatenate(index), np.concatenate(rows).astype(np.uint32)


def labels_and_areas(
    segmenter: Segmenter, images_NHW3: NDArray[np.uint8], heads: Sequence[str], rows: slice
) -> tuple[dict[str, NDArray[np.int16]], NDArray[np.int64]]:
    """Label maps of some of the images, by head, and their areas (N, C)."""
    labels = segmenter.label_maps(images_NHW3[rows], heads)
    areas_NC = torch.cat(list(counted(labels, segmenter.classes, heads)), dim=1).cpu().numpy()
    return {head: found.to(torch.int16).cpu().numpy() for head, found in labels.items()}, areas_NC


def columns(classes: Mapping[str, Sequence[str]], heads: Sequence[str]) -> tuple[list[str], list[str]]:
    """Class and category of each column of the table."""
    names, categories = [], []
    for head in heads:
        kept = list(classes[head])[1:] if head == "part" else list(classes[head])
        names += kept
        categories += [head] * len(kept)
    return names, categories


def weights_of(job: Job) -> list[str]:
    """The files that the segmenter's weights are in."""
    files = families.files("segmenters", job.family, job.checkpoint)
    return [path for path in files if Path(path).is_file()]


if __name__ == "__main__":
    command.run("segment", main)
