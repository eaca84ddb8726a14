"""Gather labelled images: a folder with a subfolder a class becomes image shards with labels, one shard a job.

Shape suffixes: N images, H height, W width.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lacuna.formats import images
from lacuna.kit import command
from lacuna.kit.errors import UserError
from lacuna.kit.grouping import group_codes
from lacuna.kit.provenance import Provenance, canonical_json
from lacuna.sources.decoding import decode, printable, reason
from lacuna.sources.folder import reader
from lacuna.sources.labelled import class_names, labelled_listing
from lacuna.sources.preparation import fit


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    entries = labelled_listing(args.path)
    names = class_names([entry for entry, _ in entries])
    chosen = entries[args.first : args.last + 1]
    if len(chosen) != args.last + 1 - args.first:
        raise UserError(f"{args.path}: holds {len(entries)} images, {args.last + 1} asked for; lower the count")
    read = reader(args.path)
    pictures = []
    for entry, _ in command.progress(chosen, desc="gather", unit="image"):
        try:
            pictures.append(fit(decode(read(entry.name), args.background), args.size))
        except Exception as error:
            raise UserError(
                f"{args.path}: {printable(entry.name)} cannot be read ({reason(error)}); every image of a class "
                "counts, so remove or replace it"
            ) from error
    config = {"path": str(args.path), "size": args.size}
    images.write(
        args.shard,
        np.stack(pictures),
        np.arange(args.first, args.last + 1),
        Provenance(stage="gather", code=args.code, config=config),
        attributes={"vocabulary": canonical_json({"scene": names})},
        label=np.array([label for _, label in chosen]),
        group=group_codes([entry.name for entry, _ in chosen], args.groups) if args.groups else None,
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
