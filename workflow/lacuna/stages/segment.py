"""Segment images: each image becomes one row of class areas, counted in pixels.

Only the heads whose areas are stored are computed. An image that cannot be read is a row of `skipped`, with the reason.

Shape suffixes: N images, C classes.
"""

import argparse
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.areas.images_read import one_color, pixels_hash
from lacuna.data import Batch, Images, open_images, shards_of
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.data.subset import subset_seed
from lacuna.errors import UserError
from lacuna.formats import areas
from lacuna.runtime import command, compute
from lacuna.runtime.arguments import FileNames
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.class_areas import areas_of
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.segmenter import Segmenter
from lacuna.segmenters.upp import files as upp

log = logging.getLogger(__name__)
HEADS = ("object", "part", "material")  # the label maps that have areas, in the order of the table's columns


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.configure(args.threads)
    device, precision = compute.device(args.device), args.settings["precision"]
    segmenter = load_segmenter(args.family, args.checkpoint, device, precision)
    heads = checked_heads(args.settings["heads"])
    source = args.settings.get("source", {})
    preparation = Preparation.of(args.settings, segmenter.size)
    images = open_images(
        args.images, args.first, args.last, preparation, subset_seed(source), Plan.of(args), source.get("stored_size")
    )
    size = BatchSize(args.batch_size)
    looked_at = LookedAt(images)
    index_N, area_px_NC = segmented_areas(segmenter, looked_at, heads, size)
    for skipped in images.skipped:
        log.warning("skipped image %d, %s: %s", skipped.index, skipped.name, skipped.reason)
    if images.multi_frame:
        log.info("%d files hold several frames or pages; the first of each was read", images.multi_frame)
    classes, categories = columns(segmenter.classes, heads)
    table = areas.ClassAreas(
        area_px_NC, index_N, classes, categories, images.image_px, images.skipped, images.resolutions,
        preparation.text, looked_at.content, looked_at.num_one_color, images.multi_frame,
        images.groups(index_N, args.settings.get("groups")),
    )  # fmt: skip
    inputs = [*shards_of(args.images), *weights_of(args)]
    config = args.settings | size.note()
    areas.write(args.table, table, Provenance("segment", args.code, config, None, inputs, images.listing))


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


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("segment", __doc__)
    parser.add_argument("--family", required=True, help="architecture of the segmenter")
    parser.add_argument("--checkpoint", required=True, help="weights of the segmenter")
    parser.add_argument(
        "--images", nargs="+", action=FileNames, required=True, help="image shards (.h5), or one path of a user"
    )
    Plan.add_arguments(parser)
    parser.add_argument("--first", type=int, required=True, help="first image")
    parser.add_argument("--last", type=int, required=True, help="last image, included")
    parser.add_argument(
        "--settings", type=command.json_object, required=True, help="JSON: heads, size, source, precision, groups"
    )
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--device", required=True, help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--table", required=True, help="HDF5 file to write")
    return parser.parse_args(argv)


def checked_heads(asked: Sequence[str]) -> tuple[str, ...]:
    """The heads asked for, in the order of the columns."""
    unknown = sorted(set(asked) - set(HEADS))
    if unknown or not asked:
        raise UserError(f"heads: found {', '.join(unknown) or 'none'}, expected some of {', '.join(HEADS)}")
    return tuple(head for head in HEADS if head in asked)


def segmented_areas(
    segmenter: Segmenter, images: LookedAt, heads: Sequence[str], size: BatchSize
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Index of each readable image, and its areas in pixels: (N,) and (N, C)."""
    index: list[NDArray[np.int64]] = []
    rows: list[NDArray[np.int64]] = []
    for index_N, images_NHW3 in command.progress(images.batches(size.asked), desc="segment", unit="batch"):
        index.append(index_N)
        rows += in_batches(partial(areas_of, segmenter, images_NHW3, heads), len(images_NHW3), size)
    if not rows:
        classes, _ = columns(segmenter.classes, heads)
        return np.empty(0, dtype=np.int64), np.empty((0, len(classes)), dtype=np.uint32)
    return np.concatenate(index), np.concatenate(rows).astype(np.uint32)


def columns(classes: Mapping[str, Sequence[str]], heads: Sequence[str]) -> tuple[list[str], list[str]]:
    """Class and category of each column of the table."""
    names, categories = [], []
    for head in heads:
        kept = list(classes[head])[1:] if head == "part" else list(classes[head])
        names += kept
        categories += [head] * len(kept)
    return names, categories


def weights_of(args: argparse.Namespace) -> list[str]:
    """The files that the segmenter's weights are in."""
    return [path for path in map(str, upp.weights_files(args.family, args.checkpoint)) if Path(path).is_file()]


if __name__ == "__main__":
    command.run("segment", main)
