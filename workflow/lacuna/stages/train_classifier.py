"""Train a classifier on labelled images: the fixed judge of what conditional generators draw.

Besides the weights, which carry class names and architecture, a card says how often it is right, class by class.
"""

import argparse
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


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.configure(args.threads)
    device = compute.device(args.device)
    args.settings = precision.settled(args.settings, device)
    training_paths = shard_paths(args.images, args.count, args.shard_size)
    held_out_paths = shard_paths(args.validation_images, args.validation_count, args.shard_size)
    with ImageShards(training_paths) as images, ImageShards(held_out_paths) as held_out:
        classes = class_names(args, images, held_out)
        provenance = Provenance("train_classifier", args.code, args.settings, args.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": args.threads}
        training = Training(images, len(classes), args.settings, args.seed, device)
        state = checkpoints.load_training(args.state, key)
        if state is not None:
            training.restore(state)
        name = f"classifier {Path(args.weights).stem}"
        classifier_training.run(training, held_out, lambda new: checkpoints.save_training(args.state, new, key), name)
        confusion_KK = training.confusion(held_out)
        more = {"made_by": dict(provenance.attributes()), "accuracy": accuracy(confusion_KK)}
        about = metadata(classes, args.settings["architecture"], images.size, **more)
    checkpoints.save_weights(args.weights, training.network.state_dict(), about)
    tables.write_tsv(args.log, COLUMNS, training.rows)
    files.write_text(args.card, card(args, training, classes, confusion_KK))
    Path(args.state).unlink(missing_ok=True)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("train_classifier", __doc__)
    parser.add_argument("--images", required=True, help="folder of the labelled images to learn from")
    parser.add_argument("--count", type=int, required=True, help="number of these images")
    parser.add_argument("--validation-images", required=True, help="folder of the held-out images")
    parser.add_argument("--validation-count", type=int, required=True, help="number of these images")
    parser.add_argument("--shard-size", type=int, required=True, help="images a shard, in both folders")
    parser.add_argument("--settings", type=command.json_object, required=True, help="JSON: architecture and training")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--device", required=True, help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True, help="where a training that was broken off goes on from")
    parser.add_argument("--weights", required=True, help="safetensors file to write")
    parser.add_argument("--card", required=True, help="Markdown file to write: how often the classifier is right")
    parser.add_argument("--log", required=True, help="TSV file to write: loss and held-out accuracy on the way")
    return parser.parse_args(argv)


def class_names(args: argparse.Namespace, images: ImageShards, held_out: ImageShards) -> list[str]:
    """Names of the classes, from the shards' vocabulary; both folders must be labelled, with labels in its range."""
    for shards, where in ((images, args.images), (held_out, args.validation_images)):
        if "label" not in shards or "vocabulary" not in shards.attributes:
            raise UserError(f"{where}: no labels in its shards; train on a source of kind world")
    names: list[str] = command.json_object(images.attributes["vocabulary"])["scene"]
    for shards, where in ((images, args.images), (held_out, args.validation_images)):
        labels_N = shards.read("label", slice(None))
        if not 0 <= labels_N.min() <= labels_N.max() < len(names):
            raise UserError(f"{where}: labels {labels_N.min()} to {labels_N.max()}, expected 0 to {len(names) - 1}")
    if not args.settings["batch_size"] <= min(len(images), args.settings["images"]):
        raise UserError(
            f"batch_size is {args.settings['batch_size']}, expected at most the {len(images)} images of {args.images} "
            f"and the {args.settings['images']} to be seen; lower it"
        )
    return list(names)


def card(args: argparse.Namespace, training: Training, classes: list[str], confusion_KK: NDArray[np.int64]) -> str:
    """Markdown: overall accuracy, then each class and what it is taken for most often when it is missed."""
    parameters = sum(weights.numel() for weights in training.network.parameters())
    lines = [
        f"# {Path(args.weights).stem}: a classifier",
        "",
        f"Trained by `train_classifier` on the first {args.count:,} images of `{Path(args.images).name}` "
        f"({training.step * args.settings['batch_size']:,} seen, each mirrored, relit, blurred and disturbed at "
        f"random), {training.seconds:,.0f} seconds on {training.device.type}, {args.threads} thread(s), {parameters:,} "
        "weights.",
        "",
        f"Held-out accuracy on {confusion_KK.sum():,} images of `{Path(args.validation_images).name}`: "
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
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(args, name)))}" for name in names]
    settings = canonical_json(dict(args.settings))
    command_line = f"    python -m lacuna.stages.train_classifier {' '.join(flags)}"
    return "\n".join([*lines, "", "Command:", "", command_line, "", "Settings:", "", f"    {settings}"]) + "\n"


if __name__ == "__main__":
    command.run("train_classifier", main)
