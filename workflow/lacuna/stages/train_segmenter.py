"""Train a segmenter on labelled scenes: objects, their parts, materials and the kind of scene, all at once.

Besides the weights, which carry the vocabulary and the architecture, a card says how good it is, class by class.
"""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files, tables
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.upernet import training as segmenter_training
from lacuna.segmenters.upernet.card import card
from lacuna.segmenters.upernet.checkpoint import metadata
from lacuna.segmenters.upernet.data import check_labelled


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.configure(args.threads)
    device = compute.device(args.device)
    args.settings = precision.settled(args.settings, device)
    training_paths = shard_paths(args.images, args.count, args.shard_size)
    validation_paths = shard_paths(args.validation_images, args.validation_count, args.shard_size)
    with ImageShards(training_paths) as scenes, ImageShards(validation_paths) as validation:
        check_inputs(args, scenes, validation)
        provenance = Provenance("train_segmenter", args.code, args.settings, args.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": args.threads}
        vocabulary = vocabulary_of(scenes)
        training = segmenter_training.Training(scenes, vocabulary, args.settings, args.seed, device)
        state = checkpoints.load_training(args.state, key)
        if state is not None:
            training.restore(state)
        name = f"segmenter {Path(args.weights).stem}"
        segmenter_training.run(training, validation, lambda new: checkpoints.save_training(args.state, new, key), name)
        scores = segmenter_training.judge(training.segmenter, validation, len(validation))
    weights = training.segmenter.network.state_dict()
    checkpoints.save_weights(args.weights, weights, describe(training, vocabulary, provenance))
    tables.write_tsv(args.log, list(training.rows[0]), [list(row.values()) for row in training.rows])
    files.write_text(args.card, card(training, scores, args.count, args.validation_count, command_line(args)))
    Path(args.state).unlink(missing_ok=True)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("train_segmenter", __doc__)
    parser.add_argument("--images", required=True, help="folder of the labelled scenes to learn from")
    parser.add_argument("--count", type=int, required=True, help="number of these scenes")
    parser.add_argument("--validation-images", required=True, help="folder of the held-out scenes")
    parser.add_argument("--validation-count", type=int, required=True, help="number of these scenes")
    parser.add_argument("--shard-size", type=int, required=True, help="scenes a shard, in both folders")
    parser.add_argument("--settings", type=command.json_object, required=True, help="JSON: architecture and training")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--device", required=True, help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True, help="where a training that was broken off goes on from")
    parser.add_argument("--weights", required=True, help="safetensors file to write")
    parser.add_argument("--card", required=True, help="Markdown file to write: how good the segmenter is")
    parser.add_argument("--log", required=True, help="TSV file to write: losses and scores as the training went on")
    return parser.parse_args(argv)


def command_line(args: argparse.Namespace) -> str:
    """How to run the stage again on the same inputs; the settings stand beside it in the card."""
    names = ("images", "count", "validation_images", "validation_count", "shard_size", "seed", "threads")
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(args, name)))}" for name in names]
    return "python -m lacuna.stages.train_segmenter " + " ".join(flags)


def check_inputs(args: argparse.Namespace, scenes: ImageShards, validation: ImageShards) -> None:
    """Raise a ValueError unless both folders hold labelled scenes of one kind, and enough of them for a batch."""
    check_labelled(scenes, args.images)
    check_labelled(validation, args.validation_images)
    if vocabulary_of(scenes) != vocabulary_of(validation):
        raise UserError(f"{args.validation_images}: other classes than {args.images}; render both with one version")
    batch_size, wanted = args.settings["batch_size"], args.settings["images"]
    if not batch_size <= min(len(scenes), wanted):
        raise UserError(
            f"batch_size is {batch_size}, expected at most the {len(scenes)} scenes of {args.images} and at most "
            f"images, the {wanted} to be seen in all; lower it"
        )


def vocabulary_of(scenes: ImageShards) -> dict[str, Any]:
    """Class names by category, and the owner of each part, from the shards' attributes."""
    found = {name: command.json_object(scenes.attributes[name]) for name in ("vocabulary", "part_owners")}
    return {"classes": found["vocabulary"], "part_owners": found["part_owners"]}


def describe(
    training: segmenter_training.Training, vocabulary: Mapping[str, Any], provenance: Provenance
) -> dict[str, Any]:
    """Metadata of the weights: vocabulary, architecture, pixels, and how they were made."""
    return metadata(
        vocabulary["classes"], vocabulary["part_owners"], training.settings["architecture"], training.segmenter.size,
        images_seen=training.images_seen, made_by=dict(provenance.attributes()),
    )  # fmt: skip


if __name__ == "__main__":
    command.run("train_segmenter", main)
