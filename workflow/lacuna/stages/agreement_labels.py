"""Label images by two segmenters and count where they agree, pixel by pixel, over the classes that both know.

Each segmenter sees the images at its own size; the second's labels are then read at the first's pixels.

Shape suffixes: N images, H height, W width.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from lacuna.areas import agreement
from lacuna.data import Images, open_images
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.data.subset import subset_seed
from lacuna.formats import tables
from lacuna.runtime import command, compute, seeds
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.segmenter import Segmenter


class Judge(BaseModel):
    """One of the two segmenters, and how images reach it."""

    family: str
    checkpoint: str
    segmenter_settings: dict[str, Any] = {}
    settings: dict[str, Any]


class Job(command.ComputingJob):
    """What the stage is told."""

    judges: dict[str, Judge] = Field(description="JSON: both segmenters by name")
    synonyms: dict[str, str] = Field(description="JSON: class of the first -> class of the second")
    images: list[str] = Field(description="image shards (.h5), or one path of a user")
    manifest: str = Field("", description="what the workflow saw of the user's source when it started")
    planned: str = Field("", description="digest of the user's files as they were planned")
    first: int = Field(description="first image")
    last: int = Field(description="last image, included")
    batch_size: int
    confidence: float
    seed: int
    summary: str = Field(description="JSON file to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("agreement", Job, __doc__, argv)
    compute.configure(job.threads)
    device, judges = compute.device(job.device), list(job.judges.values())
    segmenters = [
        load_segmenter(judge.family, judge.checkpoint, device, judge.settings["precision"], judge.segmenter_settings)
        for judge in judges
    ]
    classes = [segmenter.classes["object"] for segmenter in segmenters]
    pairs = agreement.matched(classes[0], classes[1], job.synonyms)
    codes = [agreement.pair_codes(classes[side], [pair[side] for pair in pairs]) for side in (0, 1)]
    sources = [opened(job, judge, segmenter) for judge, segmenter in zip(judges, segmenters, strict=True)]
    size, parts = BatchSize(job.batch_size), []
    for one_NHW, other_NHW in both_labels(segmenters, sources, size):
        parts.append(agreement.overlap(one_NHW, resampled(other_NHW, one_NHW.shape[1:]), codes, len(pairs)))
    found = agreement.joined(parts)
    rng = seeds.rng(job.seed, "agreement", *job.judges)
    by_class = [None if math.isnan(value) else value for value in found.by_class.tolist()]
    tables.write_json(
        job.summary,
        {
            **found.summary(rng, job.confidence),
            "segmenters": list(job.judges),
            "pairs": [
                {"class": one, "partner": other, "overlap": value}
                for (one, other), value in zip(pairs, by_class, strict=True)
            ],
            "code": job.code,
        },
    )


def opened(job: Job, judge: Judge, segmenter: Segmenter) -> Images:
    """The images as one segmenter sees them."""
    source = judge.settings.get("source", {})
    return open_images(
        job.images,
        job.first,
        job.last,
        Preparation.of(judge.settings, segmenter.size),
        subset_seed(source),
        Plan(job.manifest, job.planned),
        source.get("stored_size"),
    )


def both_labels(
    segmenters: Sequence[Segmenter], sources: Sequence[Images], size: BatchSize
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Objects (N, H, W) of the same images by either segmenter, each at its own size."""
    batches = zip(*(source.batches(size.asked) for source in sources), strict=True)
    for (_, one_NHW3), (_, other_NHW3) in command.progress(batches, desc="agreement", unit="batch"):
        yield (
            np.concatenate(list(in_batches(partial(objects, segmenters[0], one_NHW3), len(one_NHW3), size))),
            np.concatenate(list(in_batches(partial(objects, segmenters[1], other_NHW3), len(other_NHW3), size))),
        )


def objects(segmenter: Segmenter, images_NHW3: NDArray[np.uint8], rows: slice) -> NDArray[np.int64]:
    """Objects of some of the images."""
    labels: NDArray[np.int64] = segmenter.label_maps(images_NHW3[rows])["object"].cpu().numpy()
    return labels


def resampled(labels_NHW: NDArray[np.int64], size: Sequence[int]) -> NDArray[np.int64]:
    """Labels read at the pixel centres of a map of another size."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, labels_NHW.shape[1:], strict=True)
    )
    return labels_NHW[:, rows[:, None], columns[None]]


if __name__ == "__main__":
    command.run("agreement", main)
