"""Diversity: do the images of a class differ from each other as real ones do?

Mean MS-SSIM of random pairs within a class, real and generated. A class has collapsed when its samples are surely more
alike than those of any real class. Beside it what `discriminate` found: a class may be recognised and yet be one image.

Shape suffixes: N images, K classes, H height, W width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.conditional import Similarity, collapsed, similarity, together
from lacuna.conditional.labelled import LabelledImages
from lacuna.conditional.similarity import ms_ssim, random_pairs, rule
from lacuna.config.conditional import Diversity
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.networks.pixels import resized_bytes
from lacuna.runtime import command, compute, seeds

COLUMNS = (
    "label", "name", "real_ms_ssim", "real_std", "real_low", "real_high", "generated_ms_ssim", "generated_std",
    "generated_low", "generated_high", "num_pairs", "accuracy", "verdict",
)  # fmt: skip


class Job(command.ComputingJob):
    """What the stage is told."""

    real_images: list[str] = Field(description="shards of the real source")
    real_count: int
    generated_images: list[str] = Field(description="shards of the generated source")
    generated_count: int
    accuracies: str = Field(description="table that discriminate wrote for the same sources")
    settings: Diversity
    seed: int = Field(description="root seed of the pairs")
    tsv: str = Field(description="table of classes to write")
    summary: str = Field(description="summary to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("diversity", Job, __doc__, argv)
    compute.configure(job.threads)
    settings, device = job.settings, compute.device(job.device)
    names, accuracies = judged(job.accuracies)
    num_classes = max(names) + 1
    with (
        LabelledImages(job.real_images, job.real_count, num_classes) as real,
        LabelledImages(job.generated_images, job.generated_count, num_classes) as generated,
    ):
        missing = sorted(set(generated.classes) - set(real.classes))
        if missing:
            raise UserError(f"{job.real_images[0]}: no images of class {missing[0]}, expected all generated classes")
        size = min(real.size, generated.size)
        sides = {}
        for side, images in (("real", real), ("generated", generated)):
            sides[side] = {
                label: similarities(images, label, size, settings.pairs, job.seed, side, device)
                for label in command.progress(images.classes, desc=side, unit="class")
            }
    summaries = {
        side: {label: similarity(values, settings.confidence) for label, values in found.items()}
        for side, found in sides.items()
    }
    tables.write_tsv(job.tsv, COLUMNS, table(summaries, names, accuracies))
    summary = summarise(summaries, names, accuracies, settings.low_accuracy)
    common = {"rule": rule(size), "size": size, "pairs": settings.pairs, "seed": job.seed, "code": job.code}
    tables.write_json(job.summary, summary | common)


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
