"""Train a segmenter on labelled scenes: objects, their parts, materials and the kind of scene, all at once.

Besides the weights, which carry the vocabulary and the architecture, a card says how good it is, class by class.
"""

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
from lacuna.training.judged import Job


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_segmenter", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    training_paths = shard_paths(job.images, job.count, job.shard_size)
    validation_paths = shard_paths(job.validation_images, job.validation_count, job.shard_size)
    with ImageShards(training_paths) as scenes, ImageShards(validation_paths) as validation:
        check_inputs(job, scenes, validation)
        provenance = Provenance("train_segmenter", job.code, job.settings, job.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": job.threads}
        vocabulary = vocabulary_of(scenes)
        training = segmenter_training.Training(scenes, vocabulary, job.settings, job.seed, device)
        state = checkpoints.load_training(job.state, key)
        if state is not None:
            training.restore(state)
        name = f"segmenter {Path(job.weights).stem}"
        segmenter_training.run(training, validation, lambda new: checkpoints.save_training(job.state, new, key), name)
        scores = segmenter_training.judge(training.segmenter, validation, len(validation))
    weights = training.segmenter.network.state_dict()
    checkpoints.save_weights(job.weights, weights, describe(training, vocabulary, provenance))
    tables.write_tsv(job.log, list(training.rows[0]), [list(row.values()) for row in training.rows])
    files.write_text(
        job.card, card(training, scores, job.count, job.validation_count, job.command_line("train_segmenter"))
    )
    Path(job.state).unlink(missing_ok=True)


def check_inputs(job: Job, scenes: ImageShards, validation: ImageShards) -> None:
    """Raise a ValueError unless both folders hold labelled scenes of one kind, and enough of them for a batch."""
    check_labelled(scenes, job.images)
    check_labelled(validation, job.validation_images)
    if vocabulary_of(scenes) != vocabulary_of(validation):
        raise UserError(f"{job.validation_images}: other classes than {job.images}; render both with one version")
    batch_size, wanted = job.settings["batch_size"], job.settings["images"]
    if not batch_size <= min(len(scenes), wanted):
        raise UserError(
            f"batch_size is {batch_size}, expected at most the {len(scenes)} scenes of {job.images} and at most "
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
