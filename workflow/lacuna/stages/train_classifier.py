"""Train a classifier on labelled images: the fixed judge of what conditional generators draw.

Besides the weights, which carry class names and architecture, a card says how often it is right, class by class.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lacuna.classifiers.resnet import training as classifier_training
from lacuna.classifiers.resnet.checkpoint import metadata
from lacuna.classifiers.resnet.training import COLUMNS, Training, accuracy
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files, tables
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.training.judged import Job


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_classifier", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    training_paths = shard_paths(job.images, job.count, job.shard_size)
    held_out_paths = shard_paths(job.validation_images, job.validation_count, job.shard_size)
    with ImageShards(training_paths) as images, ImageShards(held_out_paths) as held_out:
        classes = class_names(job, images, held_out)
        provenance = Provenance("train_classifier", job.code, job.settings, job.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": job.threads}
        training = Training(images, len(classes), job.settings, job.seed, device)
        state = checkpoints.load_training(job.state, key)
        if state is not None:
            training.restore(state)
        name = f"classifier {Path(job.weights).stem}"
        classifier_training.run(training, held_out, lambda new: checkpoints.save_training(job.state, new, key), name)
        confusion_KK = training.confusion(held_out)
        more = {"made_by": dict(provenance.attributes()), "accuracy": accuracy(confusion_KK)}
        about = metadata(classes, job.settings["architecture"], images.size, **more)
    checkpoints.save_weights(job.weights, training.network.state_dict(), about)
    tables.write_tsv(job.log, COLUMNS, training.rows)
    files.write_text(job.card, card(job, training, classes, confusion_KK))
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
    if not job.settings["batch_size"] <= min(len(images), job.settings["images"]):
        raise UserError(
            f"batch_size is {job.settings['batch_size']}, expected at most the {len(images)} images of {job.images} "
            f"and the {job.settings['images']} to be seen; lower it"
        )
    return list(names)


def card(job: Job, training: Training, classes: list[str], confusion_KK: NDArray[np.int64]) -> str:
    """Markdown: overall accuracy, then each class and what it is taken for most often when it is missed."""
    parameters = sum(weights.numel() for weights in training.network.parameters())
    lines = [
        f"# {Path(job.weights).stem}: a classifier",
        "",
        f"Trained by `train_classifier` on the first {job.count:,} images of `{Path(job.images).name}` "
        f"({training.step * job.settings['batch_size']:,} seen, each mirrored, relit, blurred and disturbed at "
        f"random), {training.seconds:,.0f} seconds on {training.device.type}, {job.threads} thread(s), {parameters:,} "
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
    names = ("images", "count", "validation_images", "validation_count", "shard_size", "seed", "threads")
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(job, name)))}" for name in names]
    settings = canonical_json(dict(job.settings))
    command_line = f"    python -m lacuna.stages.train_classifier {' '.join(flags)}"
    return "\n".join([*lines, "", "Command:", "", command_line, "", "Settings:", "", f"    {settings}"]) + "\n"


if __name__ == "__main__":
    command.run("train_classifier", main)
