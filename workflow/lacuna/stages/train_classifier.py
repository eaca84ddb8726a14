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
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.training import judged, loop
from lacuna.training.loop import Journal


class Job(judged.Job):
    """What the stage is told."""

    settings: Settings


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_classifier", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    training_paths = shard_paths(job.images, job.count, job.shard_size)
    held_out_paths = shard_paths(job.validation_images, job.validation_count, job.shard_size)
    with ImageShards(training_paths) as images, ImageShards(held_out_paths) as held_out:
        classes, name = class_names(job, images, held_out), f"classifier {Path(job.weights).stem}"
        provenance = Provenance("train_classifier", job.code, job.settings.given(), job.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": job.threads}
        training = Training(images, held_out, len(classes), job.settings, job.seed, device, name)
        journal = loop.run(training, job.state, key, job.log)
        confusion_KK = training.confusion()
        more = {"made_by": dict(provenance.attributes()), "accuracy": accuracy(confusion_KK)}
        about = metadata(classes, job.settings.architecture.given(), images.size, **more)
    checkpoints.save_weights(job.weights, training.network.state_dict(), about)
    files.write_text(job.card, card(job, training, journal, classes, confusion_KK))
    Path(job.state).unlink(missing_ok=True)


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
    job.check_batch(images)
    return list(names)


def card(job: Job, training: Training, journal: Journal, classes: list[str], confusion_KK: NDArray[np.int64]) -> str:
    """Markdown: overall accuracy, then each class and what it is taken for most often when it is missed."""
    parameters = sum(weights.numel() for weights in training.network.parameters())
    lines = [
        f"# {Path(job.weights).stem}: a classifier",
        "",
        f"Trained by `train_classifier` on the first {job.count:,} images of `{Path(job.images).name}` "
        f"({journal.step * training.images_per_step:,} seen, each mirrored, relit, blurred and disturbed at "
        f"random), {journal.seconds:,.0f} seconds on {training.device.type}, {job.threads} thread(s), {parameters:,} "
        "weights.",
        "",
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
    told = [f"    {job.command_line('train_classifier')}", f"    {canonical_json(job.settings.given())}"]
    return "\n".join([*lines, "", "Command:", "", told[0], "", "Settings:", "", told[1]]) + "\n"


if __name__ == "__main__":
    command.run("train_classifier", main)
