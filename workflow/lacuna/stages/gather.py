"""Gather labelled images: a folder with a subfolder a class becomes image shards with labels, one shard a job.

An image that cannot be read is no row of its shard, which names it with the reason.

Shape suffixes: N images, H height, W width.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from lacuna.config.grouping import group_codes
from lacuna.data.decoding import decode, printable, reason
from lacuna.data.folder import reader
from lacuna.data.labelled import class_names, labelled_listing
from lacuna.data.preparation import fit
from lacuna.errors import UserError
from lacuna.formats import images
from lacuna.formats.areas import Skipped
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    entries = labelled_listing(args.path)
    names = class_names([entry for entry, _ in entries])
    chosen = entries[args.first : args.last + 1]
    if len(chosen) != args.last + 1 - args.first:
        raise UserError(f"{args.path}: holds {len(entries)} images, {args.last + 1} asked for; lower the count")
    read = reader(args.path)
    pictures, index, labels, skipped = [], [], [], []
    for number, (entry, label) in enumerate(command.progress(chosen, desc="gather", unit="image"), start=args.first):
        try:
            pictures.append(fit(decode(read(entry.name), args.background), args.size))
        except Exception as error:
            skipped.append(Skipped(number, printable(entry.name), reason(error)))
            log.warning("skipped image %d, %s: %s", *astuple(skipped[-1]))
            continue
        index.append(number)
        labels.append(label)
    read_names = [chosen[number - args.first].entry.name for number in index]
    config = {"path": str(args.path), "size": args.size}
    images.write(
        args.shard,
        np.stack(pictures) if pictures else np.empty((0, args.size, args.size, 3), np.uint8),
        np.array(index, dtype=np.int64),
        Provenance(stage="gather", code=args.code, config=config),
        attributes={"vocabulary": canonical_json({"scene": names})},
        skipped=skipped,
        label=np.array(labels, dtype=np.int64),
        group=group_codes(read_names, args.groups) if args.groups else None,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("gather", __doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder or zip file with a subfolder for each class")
    parser.add_argument("--size", type=int, required=True, help="pixels a side that images are brought to")
    parser.add_argument("--background", default="white", help="color below transparent pixels")
    parser.add_argument("--groups", default="", help="`parent` or an expression: which images belong together")
    parser.add_argument("--first", type=int, required=True, help="first image")
    parser.add_argument("--last", type=int, required=True, help="last image, included")
    parser.add_argument("--shard", required=True, help="HDF5 file to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    command.run("gather", main)
