"""What each photo has and its reconstruction has not: class areas of both, and the region lost.

Shape suffixes: N images, H height, W width, C classes.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 4.4: what a reconstruction lacks, the generator cannot make.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.formats import inversions, tables, upp
from lacuna.formats.omissions import COLUMNS, OmissionMaps
from lacuna.formats.omissions import write as write_maps
from lacuna.inversion.labels import lost_mask, object_maps
from lacuna.kit import command, compute
from lacuna.kit.provenance import Provenance
from lacuna.kit.shards import shard_paths
from lacuna.registry.segmenters import load_segmenter
from lacuna.statistics.omissions import Omission, class_areas, lost_areas


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    args = parse_args(argv)
    compute.threads(args.threads)
    segmenter = load_segmenter(args.segmenter_family, args.segmenter_checkpoint, compute.device(args.device))
    found = inversions.read_shards(args.inversions, args.count, args.shard_size)
    photo_NHW = object_maps(segmenter, found.x, args.settings["batch_size"])
    reconstruction_NHW = object_maps(segmenter, found.x_hat, args.settings["batch_size"])
    names = segmenter.classes["object"]
    rows = omissions(photo_NHW, reconstruction_NHW, found.index, found.converged, names, noise_floor(args.control))
    tables.write_tsv(args.tsv, COLUMNS, [astuple(row) for row in rows])
    lost_NHW = lost_mask(photo_NHW, reconstruction_NHW)
    maps = OmissionMaps(photo_NHW, reconstruction_NHW, lost_NHW, found.index, found.converged, names)
    weights = map(Path, upp.weights_files(args.segmenter_family, args.segmenter_checkpoint))
    inputs = [*shard_paths(args.inversions, args.count, args.shard_size), *weights]
    files = [path for path in inputs if Path(path).is_file()]
    write_maps(args.masks, maps, Provenance("omissions", args.code, args.settings, None, files))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of the stage."""
    parser = command.parser("omissions", __doc__)
    parser.add_argument("--inversions", required=True, help="folder of the inversion shards of one source")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--shard-size", type=int, required=True)
    parser.add_argument("--segmenter-family", required=True)
    parser.add_argument("--segmenter-checkpoint", required=True)
    parser.add_argument("--control", help="table of this stage for the generator's own samples: the noise floor")
    parser.add_argument("--settings", type=command.json_object, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--tsv", required=True)
    parser.add_argument("--masks", required=True)
    return parser.parse_args(argv)


def omissions(
    photo_NHW: NDArray[np.uint16],
    reconstruction_NHW: NDArray[np.uint16],
    index_N: NDArray[np.int64],
    converged_N: NDArray[np.bool_],
    names: Sequence[str],
    floor: dict[str, float],
) -> list[Omission]:
    """A row an image and class, for the classes that are in the photo or in the reconstruction, '-' left out."""
    photo_NC = class_areas(photo_NHW, len(names))
    reconstruction_NC = class_areas(reconstruction_NHW, len(names))
    lost_NC = lost_areas(photo_NHW, reconstruction_NHW, len(names))
    present = np.argwhere((photo_NC > 0) | (reconstruction_NC > 0)).tolist()
    return [
        Omission(
            int(index_N[row]), names[c], float(photo_NC[row, c]), float(reconstruction_NC[row, c]),
            float(lost_NC[row, c]), bool(converged_N[row]), floor.get(names[c], float("nan")),
        )
        for row, c in present
        if c > 0
    ]  # fmt: skip


def noise_floor(control: str | None) -> dict[str, float]:
    """Mean `lost_area` of a class over those of the generator's own samples that have it; {} if that is not known."""
    if control is None:
        return {}
    lost: dict[str, list[float]] = {}
    for row in tables.read_tsv(control):
        if row["converged"] == "yes" and float(row["photo_area"]) > 0:
            lost.setdefault(row["class"], []).append(float(row["lost_area"]))
    return {name: sum(areas) / len(areas) for name, areas in lost.items()}


if __name__ == "__main__":
    command.run("omissions", main)
