"""Gather labelled images: a folder with a subfolder a class, or a file with labels, becomes shards, one shard a job.

An image that cannot be read is no row of its shard, which names it with the reason.

Shape suffixes: N images, H height, W width.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from lacuna.config.grouping import group_codes
from lacuna.data.decoding import opened, printable, reason
from lacuna.data.held import Asked, Plan, planned
from lacuna.data.preparation import fit
from lacuna.formats import images
from lacuna.formats.areas import Skipped
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    asked = Asked(args.path, labelled=True)
    held = planned(asked, args.first, args.last, Plan.of(args))
    container, chosen = held.images(asked, args.first, args.last)
    read = container.reader(chosen)
    pictures, index, labels, skipped = [], [], [], []
    for number, entry in enumerate(command.progress(chosen, desc="gather", unit="image"), start=args.first):
        try:
            pictures.append(fit(opened(read(entry.name), args.background), args.size))
        except Exception as error:
            skipped.append(Skipped(number, printable(entry.name), reason(error)))
            log.warning("skipped image %d, %s: %s", *astuple(skipped[-1]))
            continue
        index.append(number)
        labels.append(entry.label)
    read_names = [chosen[number - args.first].name for number in index]
    config, listing = {"path": args.path, "size": args.size}, {args.path: held.plan(args.first, args.last)}
    images.write(
        args.shard,
        np.stack(pictures) if pictures else np.empty((0, args.size, args.size, 3), np.uint8),
        np.array(index, dtype=np.int64),
        Provenance(stage="gather", code=args.code, config=config, listings=listing),
        attributes={"vocabulary": canonical_json({"scene": list(held.classes)})},
        skipped=skipped,
        label=np.array(labels, dtype=np.int64),
        group=group_codes(read_names, args.groups) if args.groups else None,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("gather", __doc__)
    parser.add_argument("--path", required=True, help="what holds images and their labels")
    parser.add_argument("--size", type=int, required=True, help="pixels a side that images are brought to")
    parser.add_argument("--background", default="white", help="color below transparent pixels")
    parser.add_argument("--groups", default="", help="`parent` or an expression: which images belong together")
    Plan.add_arguments(parser)
    parser.add_argument("--first", type=int, required=True, help="first image")
    parser.add_argument("--last", type=int, required=True, help="last image, included")
    parser.add_argument("--shard", required=True, help="HDF5 file to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    command.run("gather", main)
