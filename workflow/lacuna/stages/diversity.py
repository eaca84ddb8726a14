"""Diversity: do the images of a class differ from each other as real ones do?

Mean MS-SSIM of random pairs within a class, real and generated. A class has collapsed when its samples are surely more
alike than those of any real class. Beside it what `discriminate` found: a class may be recognised and yet be one image.

Shape suffixes: N images, K classes, H height, W width.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lacuna.areas.conditional import Similarity, collapsed, similarity, together
from lacuna.conditional.labelled import LabelledImages
from lacuna.conditional.similarity import ms_ssim, random_pairs, rule
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.networks.pixels import resized_bytes
from lacuna.runtime import command, compute, seeds
from lacuna.runtime.arguments import FileNames

COLUMNS = (
    "label", "name", "real_ms_ssim", "real_std", "real_low", "real_high", "generated_ms_ssim", "generated_std",
    "generated_low", "generated_high", "num_pairs", "accuracy", "verdict",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.configure(args.threads)
    settings, device = args.settings, compute.device(args.device)
    names, accuracies = judged(args.accuracies)
    num_classes = max(names) + 1
    with (
        LabelledImages(args.real_images, args.real_count, num_classes) as real,
        LabelledImages(args.generated_images, args.generated_count, num_classes) as generated,
    ):
        missing = sorted(set(generated.classes) - set(real.classes))
        if missing:
            raise UserError(f"{args.real_images[0]}: no images of class {missing[0]}, expected all generated classes")
        size = min(real.size, generated.size)
        sides = {}
        for side, images in (("real", real), ("generated", generated)):
            sides[side] = {
                label: similarities(images, label, size, settings["pairs"], args.seed, side, device)
                for label in command.progress(images.classes, desc=side, unit="class")
            }
    summaries = {
        side: {label: similarity(values, settings["confidence"]) for label, values in found.items()}
        for side, found in sides.items()
    }
    tables.write_tsv(args.tsv, COLUMNS, table(summaries, names, accuracies))
    summary = summarise(summaries, names, accuracies, settings["low_accuracy"])
    common = {"rule": rule(size), "size": size, "pairs": settings["pairs"], "seed": args.seed, "code": args.code}
    tables.write_json(args.json, summary | common)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("diversity", __doc__)
    for side in ("real", "generated"):
        parser.add_argument(
            f"--{side}-images", required=True, nargs="+", action=FileNames, help=f"shards of the {side} source"
        )
        parser.add_argument(f"--{side}-count", required=True, type=int)
    parser.add_argument("--accuracies", required=True, help="table that discriminate wrote for the same sources")
    parser.add_argument("--settings", type=command.json_object, required=True, help="JSON: section `diversity`")
    parser.add_argument("--seed", required=True, type=int, help="root seed of the pairs")
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--tsv", required=True, help="table of classes to write")
    parser.add_argument("--json", required=True, help="summary to write")
    return parser.parse_args(argv)


def judged(path: str) -> tuple[dict[int, str], dict[int, float]]:
    """Name and, of generated classes at full size, accuracy of each class, by label."""
    rows = [row for row in tables.read_tsv(path) if row["label"] != "all"]
    generated = [row for row in rows if row["side"] == "generated"]
    full = max(int(row["resolution"]) for row in generated)
    names = {int(row["label"]): row["name"] for row in rows}
    return names, {int(row["label"]): float(row["accuracy"]) for row in generated if int(row["resolution"]) == full}


def similarities(
    images: LabelledImages, label: int, size: int, count: int, seed: int, side: str, device: torch.device
) -> NDArray[np.float64]:
    """(pairs,) MS-SSIM within one class, at `size` pixels."""
    random = seeds.rng(seed, "diversity", side, label)
    pairs = random_pairs(images.rows_of(label), count, random)
    rows, places = np.unique(pairs, return_inverse=True)
    pixels_NHW3 = resized_bytes(images.read(rows), size)
    places = places.reshape(pairs.shape)
    return ms_ssim(pixels_NHW3[places[:, 0]], pixels_NHW3[places[:, 1]], device)


def table(
    summaries: Mapping[str, Mapping[int, Similarity]], names: Mapping[int, str], accuracies: Mapping[int, float]
) -> list[list[Any]]:
    """A row a generated class, in the order of COLUMNS."""
    limit = threshold(summaries["real"])[0]
    rows = []
    for label, generated in summaries["generated"].items():
        real = summaries["real"][label]
        verdict = "collapsed" if collapsed(generated, limit) else "diverse"
        numbers = [getattr(side, name) for side in (real, generated) for name in ("mean", "std", "low", "high")]
        rows.append([label, names[label], *numbers, generated.num_pairs, accuracies[label], verdict])
    return rows


def threshold(real: Mapping[int, Similarity]) -> tuple[float, int]:
    """The highest mean of a real class, and which one."""
    label = max(real, key=lambda label: real[label].mean)
    return real[label].mean, label


def summarise(
    summaries: Mapping[str, Mapping[int, Similarity]], names: Mapping[int, str], accuracies: Mapping[int, float],
    low_accuracy: float,
) -> dict[str, Any]:  # fmt: skip
    """Threshold, share of classes under it, and the relation to accuracy."""
    limit, label = threshold(summaries["real"])
    generated = summaries["generated"]
    means = [found.mean for found in generated.values()]
    both = together([accuracies[label] for label in generated], means, limit, low_accuracy)
    return {
        "threshold": limit,
        "threshold_class": names[label],
        "share_under_threshold": float(np.mean(np.array(means) < limit)),
        "collapsed": [names[label] for label, found in generated.items() if collapsed(found, limit)],
        "together": {name: None if np.isnan(value) else value for name, value in asdict(both).items()},
    }


if __name__ == "__main__":
    command.run("diversity", main)
