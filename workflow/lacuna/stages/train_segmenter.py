"""Train a segmenter on labelled scenes: objects, their parts, materials and the kind of scene, all at once.

Besides the weights, which carry the vocabulary and the architecture, a card says how good it is, class by class.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacuna.errors import UserError
from lacuna.formats.images import ImageShards
from lacuna.runtime import command
from lacuna.segmenters.upernet.checkpoint import metadata
from lacuna.segmenters.upernet.settings import Training as Settings
from lacuna.segmenters.upernet.training import LABEL_MAPS, Training, card_body, judge
from lacuna.training import judged


class Job(judged.Job):
    """What the stage is told."""

    settings: Settings


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_segmenter", Job, __doc__, argv)
    with judged.opened(job) as (scenes, held_out, device):
        check_inputs(job, scenes, held_out)
        vocabulary, name = vocabulary_of(scenes), f"segmenter {Path(job.weights).stem}"
        training = Training(scenes, held_out, vocabulary, job.settings, job.seed, device, name)
        journal, made_by = judged.run("train_segmenter", job, training)
        scores = judge(training.segmenter, held_out, len(held_out))
    about = metadata(
        vocabulary["classes"], vocabulary["part_owners"], job.settings.architecture.given(), scenes.size,
        images_seen=journal.step * training.images_per_step, made_by=made_by,
    )  # fmt: skip
    body = card_body(training.segmenter, scores, job.validation_count)
    judged.finish("train_segmenter", job, training, journal, about, "Segmenter: UPerNet", body)


def check_inputs(job: Job, scenes: ImageShards, held_out: ImageShards) -> None:
    """Raise a UserError unless both folders hold labelled scenes of one kind."""
    for shards, where in ((scenes, job.images), (held_out, job.validation_images)):
        for name in ("label", *(f"labels_{category}" for category in LABEL_MAPS)):
            if name not in shards:
                raise UserError(f"{where}: no array {name!r} in its shards; train on a source of kind world")
    if vocabulary_of(scenes) != vocabulary_of(held_out):
        raise UserError(f"{job.validation_images}: other classes than {job.images}; render both with one version")


def vocabulary_of(scenes: ImageShards) -> dict[str, Any]:
    """Class names by category, and the owner of each part, from the shards' attributes."""
    found = {name: command.json_object(scenes.attributes[name]) for name in ("vocabulary", "part_owners")}
    return {"classes": found["vocabulary"], "part_owners": found["part_owners"]}


if __name__ == "__main__":
    command.run("train_segmenter", main)
