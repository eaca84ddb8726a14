"""Discriminability: does a fixed classifier see the class that a generator was asked for?

Accuracy a class and overall of real and of generated images, at resolutions 16, 32, ... up to their own: images are
reduced to a resolution and brought back, so that a generator whose detail is worth something loses by it.

Shape suffixes: N images, K classes, H height, W width.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.conditional import accuracy, inception_score, indistinct
from lacuna.classifiers.classifier import Classifier, load_classifier
from lacuna.conditional.labelled import LabelledImages
from lacuna.config.conditional import Discriminate
from lacuna.formats import tables
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches

COLUMNS = (
    "side", "resolution", "label", "name", "accuracy", "std", "low", "high", "num_images", "taken_for",
    "taken_for_share", "verdict",
)  # fmt: skip
SMALLEST_RESOLUTION = 16
COMPARED_RESOLUTION = 32  # the paper's: are classes known better at full size than at this one?


class Job(command.ComputingJob):
    """What the stage is told."""

    real_images: list[str] = Field(description="shards of the real source")
    real_count: int
    generated_images: list[str] = Field(description="shards of the generated source")
    generated_count: int
    family: str = Field(description="of the classifier")
    checkpoint: str = Field(description="the classifier's")
    classifier_settings: dict[str, Any] = Field({})
    settings: Discriminate
    tsv: str = Field(description="table of classes to write")
    summary: str = Field(description="summary to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("discriminate", Job, __doc__, argv)
    compute.configure(job.threads)
    settings = job.settings
    classifier = load_classifier(
        job.family, job.checkpoint, job.classifier_settings, compute.device(job.device)
    )  # fmt: skip
    sides: dict[str, list[dict[str, Any]]] = {}
    summary: dict[str, Any] = {}
    rows = []
    for side, paths, count in (
        ("real", job.real_images, job.real_count), ("generated", job.generated_images, job.generated_count),
    ):  # fmt: skip
        with LabelledImages(paths, count, len(classifier.classes)) as images:
            found = probabilities(classifier, images, settings.batch_size, side)
            sides[side] = table(found, images, classifier.classes, settings)
            mean, std = inception_score(found[images.size][by_class(images)], min(settings.subsets, len(images)))
            summary[side] = {"inception_score": mean, "inception_score_std": std, "size": images.size}
    judge(sides, settings)
    for side, found_rows in sides.items():
        rows += [[side, *(row[column] for column in COLUMNS[1:])] for row in found_rows]
        summary[side] |= overall(found_rows, summary[side]["size"])
    summary |= {"subsets": settings.subsets, "confidence": settings.confidence, "code": job.code}
    tables.write_tsv(job.tsv, COLUMNS, rows)
    tables.write_json(job.summary, summary)


def resolutions(size: int) -> list[int]:
    """16, 32, ... and the size itself."""
    smaller = [SMALLEST_RESOLUTION << k for k in range(size.bit_length()) if SMALLEST_RESOLUTION << k < size]
    return [*smaller, size]


def class_probabilities(
    classifier: Classifier, images_NHW3: NDArray[np.uint8], resolution: int, rows: slice
) -> NDArray[np.float64]:
    """Probabilities (n, K) of some of the images."""
    scores_NK = classifier.scores(images_NHW3[rows], resolution)
    return np.asarray(torch.softmax(scores_NK.double(), dim=1).cpu().numpy())


def probabilities(
    classifier: Classifier, images: LabelledImages, batch_size: int, side: str
) -> dict[int, NDArray[np.float64]]:
    """Resolution -> (N, K) probabilities of the classes."""
    found: dict[int, list[NDArray[np.float64]]] = {resolution: [] for resolution in resolutions(images.size)}
    batches = command.progress(images.batches(batch_size), total=-(-len(images) // batch_size), desc=side, unit="batch")
    size = BatchSize(batch_size)
    for _, images_NHW3 in batches:
        for resolution, parts in found.items():
            work = partial(class_probabilities, classifier, images_NHW3, resolution)
            parts += in_batches(work, len(images_NHW3), size)
    return {resolution: np.concatenate(parts) for resolution, parts in found.items()}


def table(
    found: Mapping[int, NDArray[np.float64]], images: LabelledImages, names: Sequence[str], settings: Discriminate
) -> list[dict[str, Any]]:
    """A row a resolution and class; the first of each resolution is over all classes."""
    rows = []
    for resolution, probability_NK in found.items():
        best_N = probability_NK.argmax(axis=1)
        for label in (None, *images.classes):
            chosen = by_class(images) if label is None else images.rows_of(label)
            right_N = best_N[chosen] == images.labels[chosen]
            result = accuracy(right_N, settings.subsets, settings.confidence)
            wrong = np.bincount(best_N[chosen][~right_N], minlength=len(names))
            other = int(wrong.argmax()) if label is not None and wrong.any() else None
            rows.append({
                "resolution": resolution, "label": "all" if label is None else label,
                "name": "all classes" if label is None else names[label], "accuracy": result.mean, "std": result.std,
                "low": result.low, "high": result.high, "num_images": result.num_images,
                "taken_for": "" if other is None else names[other],
                "taken_for_share": 0.0 if other is None else wrong[other] / len(chosen), "verdict": "",
                "result": result,
            })  # fmt: skip
    return rows


def by_class(images: LabelledImages) -> NDArray[np.int64]:
    """Rows class after class, so that every S-th of them holds all classes; samples come round the classes."""
    return np.argsort(images.labels, kind="stable")


def judge(sides: Mapping[str, Sequence[dict[str, Any]]], settings: Discriminate) -> None:
    """Put a verdict into each generated class's row at full size: `indistinct`, or `recognised`."""
    full = {side: max(row["resolution"] for row in rows) for side, rows in sides.items()}
    real = {row["label"]: row["result"] for row in sides["real"] if row["resolution"] == full["real"]}
    for row in sides["generated"]:
        if row["resolution"] == full["generated"] and row["label"] != "all" and row["label"] in real:
            missed = indistinct(real[row["label"]], row["result"], settings.indistinct_below)
            row["verdict"] = "indistinct" if missed else "recognised"


def overall(rows: Sequence[Mapping[str, Any]], size: int) -> dict[str, Any]:
    """Accuracy over all classes by resolution, and how many classes are known better at full size than at 32."""
    by_resolution = {
        str(row["resolution"]): {"accuracy": row["accuracy"], "std": row["std"]}
        for row in rows
        if row["label"] == "all"
    }
    full = {row["label"]: row["accuracy"] for row in rows if row["resolution"] == size and row["label"] != "all"}
    low = {row["label"]: row["accuracy"] for row in rows if row["resolution"] == COMPARED_RESOLUTION}
    compared = size > COMPARED_RESOLUTION
    better = float(np.mean([full[label] > low[label] for label in full])) if compared else None
    return {
        "accuracy": by_resolution, "share_better_at_full_size": better,
        "indistinct": [row["name"] for row in rows if row["verdict"] == "indistinct"],
    }  # fmt: skip


if __name__ == "__main__":
    command.run("discriminate", main)
