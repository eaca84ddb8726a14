"""Train a segmenter on labelled scenes: objects, their parts, materials and the kind of scene, all at once.

Besides the weights, which carry the vocabulary and the architecture, a card says how good it is, class by class.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.upernet.card import card
from lacuna.segmenters.upernet.checkpoint import metadata
from lacuna.segmenters.upernet.settings import Training as Settings
from lacuna.segmenters.upernet.training import LABEL_MAPS, Training, judge
from lacuna.training import judged, loop


class Job(judged.Job):
    """What the stage is told."""

    settings: Settings


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_segmenter", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    training_paths = shard_paths(job.images, job.count, job.shard_size)
    validation_paths = shard_paths(job.validation_images, job.validation_count, job.shard_size)
    with ImageShards(training_paths) as scenes, ImageShards(validation_paths) as held_out:
        check_inputs(job, scenes, held_out)
        provenance = Provenance("train_segmenter", job.code, job.settings.given(), job.seed, training_paths)
        key = dict(provenance.attributes()) | {"threads": job.threads}
        vocabulary, name = vocabulary_of(scenes), f"segmenter {Path(job.weights).stem}"
        training = Training(scenes, held_out, vocabulary, job.settings, job.seed, device, name)
        journal = loop.run(training, job.state, key, job.log)
        scores = judge(training.segmenter, held_out, len(held_out))
        about = metadata(
            vocabulary["classes"], vocabulary["part_owners"], job.settings.architecture.given(), scenes.size,
            images_seen=journal.step * training.images_per_step, made_by=dict(provenance.attributes()),
        )  # fmt: skip
    checkpoints.save_weights(job.weights, training.network.state_dict(), about)
    told = job.command_line("train_segmenter")
    files.write_text(job.card, card(training, journal, scores, job.count, job.validation_count, told))
    Path(job.state).unlink(missing_ok=True)


def check_inputs(job: Job, scenes: ImageShards, held_out: ImageShards) -> None:
    """Raise a UserError unless both folders hold labelled scenes of one kind, and enough of them for a batch."""
    for shards, where in ((scenes, job.images), (held_out, job.validation_images)):
        for name in ("label", *(f"labels_{category}" for category in LABEL_MAPS)):
            if name not in shards:
                raise UserError(f"{where}: no array {name!r} in its shards; train on a source of kind world")
    if vocabulary_of(scenes) != vocabulary_of(held_out):
        raise UserError(f"{job.validation_images}: other classes than {job.images}; render both with one version")
    job.check_batch(scenes)


def vocabulary_of(scenes: ImageShards) -> dict[str, Any]:
    """Class names by category, and the owner of each part, from the shards' attributes."""
    found = {name: command.json_object(scenes.attributes[name]) for name in ("vocabulary", "part_owners")}
    return {"classes": found["vocabulary"], "part_owners": found["part_owners"]}


if __name__ == "__main__":
    command.run("train_segmenter", main)
