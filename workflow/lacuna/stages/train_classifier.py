"""Train a classifier on labelled images: the fixed judge of what conditional generators draw.

Besides the weights, which carry class names and architecture, a card says how often it is right, class by class.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.classifiers.resnet.checkpoint import metadata
from lacuna.classifiers.resnet.settings import Training as Settings
from lacuna.classifiers.resnet.training import Training, accuracy
from lacuna.errors import UserError
from lacuna.formats.images import ImageShards
from lacuna.runtime import command
from lacuna.training import judged


class Job(judged.Job):
    """What the stage is told."""

    settings: Settings


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_classifier", Job, __doc__, argv)
    with judged.opened(job) as (images, held_out, device):
        classes, name = class_names(job, images, held_out), f"classifier {Path(job.weights).stem}"
        training = Training(images, held_out, len(classes), job.settings, job.seed, device, name)
        journal, made_by = judged.run("train_classifier", job, training)
        confusion_KK = training.confusion()
    told = {"made_by": made_by, "accuracy": accuracy(confusion_KK)}
    about = metadata(classes, job.settings.architecture.given(), images.size, **told)
    title, body = f"{Path(job.weights).stem}: a classifier", card_body(job, classes, confusion_KK)
    judged.finish("train_classifier", job, training, journal, about, title, body)


def class_names(job: Job, images: ImageShards, held_out: ImageShards) -> list[str]:
    """Names of the classes, from the shards' vocabulary; both folders must be labelled, with labels in its range."""
    for shards, where in ((images, job.images), (held_out, job.validation_images)):
        if "label" not in shards or "vocabulary" not in shards.attributes:
            raise UserError(f"{where}: no labels in its shards; train on a source of kind world")
    names: list[str] = command.json_object(images.attributes["vocabulary"])["scene"]
    for shards, where in ((images, job.images), (held_out, job.validation_images)):
        labels_N = shards.read("label", slice(None))
        if not 0 <= labels_N.min() <= labels_N.max() < len(names):
            raise UserError(f"{where}: labels {labels_N.min()} to {labels_N.max()}, expected 0 to {len(names) - 1}")
    return list(names)


def card_body(job: Job, classes: list[str], confusion_KK: NDArray[np.int64]) -> list[str]:
    """Overall accuracy, then each class and what it is taken for most often when it is missed."""
    lines = [
        f"Held-out accuracy on {confusion_KK.sum():,} images of `{Path(job.validation_images).name}`: "
        f"**{accuracy(confusion_KK):.4f}**.",
        "",
        "| class | images | accuracy | missed ones are taken for |",
        "|---|---|---|---|",
    ]
    for k, name in enumerate(classes):
        missed_K = np.where(np.arange(len(classes)) == k, 0, confusion_KK[k])
        other = f"{classes[int(missed_K.argmax())]} ({missed_K.max()})" if missed_K.any() else ""
        images = confusion_KK[k].sum()
        share = f"{confusion_KK[k, k] / images:.3f}" if images else "no image"
        lines.append(f"| {name} | {images} | {share} | {other} |")
    return lines


if __name__ == "__main__":
    command.run("train_classifier", main)
