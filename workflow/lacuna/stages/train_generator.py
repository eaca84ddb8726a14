"""Train a generator on a source's images, adversarially.

An interrupted training goes on from its last state, bit by bit as if nothing had happened; so does a finished one that
is asked for more images: `images` and the three intervals of the settings are no part of what a state is resumed by.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import logging
import math
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from lacuna import families
from lacuna.config import shards
from lacuna.errors import UserError, diverged
from lacuna.formats import checkpoints, files, tables
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import command, compute, precision
from lacuna.runtime.interruption import deferred_termination
from lacuna.runtime.provenance import digest_file
from lacuna.training import card, sheets
from lacuna.training.data import RealClasses, RealImages, to_training
from lacuna.training.gan_loop import ADVICE, GanTraining
from lacuna.training.journal import COLUMNS, Journal

log = logging.getLogger(__name__)

INTERVALS = ("checkpoint_interval", "log_interval", "sheet_interval")  # in real images shown
# None of these changes what a step does. Leaving `images` out is what makes "train it longer" a change of one number.
NOT_IN_KEY = ("images", *INTERVALS)
SHEET_IMAGES = 64


class Job(command.ComputingJob):
    """What the stage is told."""

    family: str
    images: Path = Field(description="folder of the source's image shards")
    count: int = Field(description="real images; shown in random order, again and again")
    shard_size: int
    settings: dict[str, Any]
    seed: int
    state: Path = Field(description="training state; the newest generator lies beside it")
    weights: Path
    card: Path
    log: Path
    sheets: Path = Field(description="folder for sheets of samples")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_generator", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    paths = shards.shard_paths(job.images, job.count, job.shard_size)
    training = GanTraining(
        families.task("generators", job.family), job.settings, job.seed, device, f"generator {job.weights.stem}"
    )
    key = state_key(job, paths)
    journal = resume(training, job.state, key)
    if not training.images:
        shutil.rmtree(kept_sheets(job), ignore_errors=True)
    with real_images(job, paths, training) as images:
        if images.size % training.task.final_size:
            raise UserError(
                f"{job.images}: images of {images.size} pixels, expected the generator's {training.task.final_size} "
                "or a multiple; render that size or change the generator's sizes"
            )
        train(job, training, journal, key, lambda shown, size: to_training(images.batch(shown), size, training.device))
    save_state(job, training, journal, key)
    write_log(job, journal)
    write_sheet(job, training)
    hand_over_sheets(kept_sheets(job), job.sheets, training.images)
    checkpoints.save_weights(job.weights, *current_weights(job, training, training.task.final_size))
    files.write_text(job.card, card_text(job, training, journal))


def real_images(job: Job, paths: Sequence[Path], training: GanTraining) -> RealImages:
    """Real images in random order, class by class where the family knows classes."""
    if training.task.classes:
        return RealClasses(paths, job.count, training.batch_size, job.seed, training.task.classes)
    return RealImages(paths, job.count, training.batch_size, job.seed)


def state_key(job: Job, paths: Sequence[Path]) -> dict[str, Any]:
    """What a training state must share with this command to be resumed by it."""
    return {
        "stage": "train_generator",
        "family": job.family,
        "code": job.code,
        "settings": {name: value for name, value in job.settings.items() if name not in NOT_IN_KEY},
        "seed": job.seed,
        "count": job.count,
        "inputs": {path.name: digest_file(path) for path in paths},
    }


def resume(training: GanTraining, path: Path, key: Mapping[str, Any]) -> Journal:
    """Put the state at `path` into `training`, where there is one of this key; its journal, or a new one."""
    state = checkpoints.load_training(path, key)
    if state is None:
        return Journal()
    training.load_state_dict(state["training"])
    log.info("%s: going on after %d images", path, training.images)
    return Journal(**state["journal"])


def train(
    job: Job,
    training: GanTraining,
    journal: Journal,
    key: Mapping[str, Any],
    real: Callable[[int, int], Tensor],
) -> None:
    """Step until `images` real images were shown; leave states, snapshots, log rows and sheets on the way."""
    images_a_step = training.batch_size * training.task.discriminator_steps
    last_step = math.ceil(job.settings["images"] / images_a_step)
    intervals = {name: job.settings[name] for name in INTERVALS}
    with deferred_termination() as terminated:
        for _ in command.progress(range(training.steps, last_step), desc=job.family, unit="step"):
            before, begun, phase = training.images, time.monotonic(), training.phase
            journal.add(training.step(real), time.monotonic() - begun)
            due = {name: training.images // every > before // every for name, every in intervals.items()}
            if due["log_interval"]:
                journal.end_row(training.images, phase)
                write_log(job, journal)
            if due["sheet_interval"]:
                write_sheet(job, training)
            if due["checkpoint_interval"] or terminated():
                save_state(job, training, journal, key)
            if terminated():
                raise command.Terminated


def write_sheet(job: Job, training: GanTraining) -> None:
    """Samples of the averaged generator as it is by now, of the same z each time; beside them its weights."""
    random = compute.generator(job.seed, "train_generator", "sheet")
    count = len(training.task.classes) ** 2 or SHEET_IMAGES  # one class per column
    samples_N3HW = training.samples(torch.randn(count, training.task.z_dim, generator=random))
    path = kept_sheets(job) / f"{training.images:08d}.png"
    sheets.write(path, to_bytes(samples_N3HW), side=training.task.final_size)
    weights, metadata = current_weights(job, training, training.phase.settled_size)
    checkpoints.save_weights(path.with_suffix(".safetensors"), weights, metadata)


def kept_sheets(job: Job) -> Path:
    """Sheets of this training until it ends: Snakemake clears an output folder when it begins a job again."""
    return job.state.with_name(f"{job.state.stem}.sheets")


def hand_over_sheets(kept: Path, folder: Path, images: int) -> None:
    """Copy the sheets and snapshots of up to `images` real images into `folder`, which holds nothing else then."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(kept.iterdir()):
        if path.suffix in (".png", ".safetensors") and int(path.stem) <= images:
            shutil.copy2(path, folder)


def save_state(job: Job, training: GanTraining, journal: Journal, key: Mapping[str, Any]) -> None:
    """Write the state, and beside it the generator as it is by now, at the largest size that is wholly blended in."""
    if not training.is_finite():
        raise diverged(training.name, "a weight", "NaN or infinite", training.steps, ADVICE)
    checkpoints.save_training(job.state, {"training": training.state_dict(), "journal": journal.state_dict()}, key)
    snapshot = job.state.with_name(f"{job.state.stem}.ema.safetensors")
    checkpoints.save_weights(snapshot, *current_weights(job, training, training.phase.settled_size))


def current_weights(job: Job, training: GanTraining, size: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The averaged generator's weights, and what is known of them."""
    weights = training.task.weights(training.ema, size)
    metadata = {
        "family": job.family,
        **training.task.description(size),
        "settings": job.settings,
        "images": training.images,
        "trained_on": job.images.name,
        "code": job.code,
        "seed": job.seed,
    }
    return weights, metadata


def write_log(job: Job, journal: Journal) -> None:
    tables.write_tsv(job.log, COLUMNS, journal.rows)
    if journal.has_collapsed():
        raise UserError(
            f"{job.log}: the discriminator's loss has been 0 for long, nothing is learned any more; the last state is "
            "kept, lower learning_rate or raise the penalty"
        )


def card_text(job: Job, training: GanTraining, journal: Journal) -> str:
    weights = training.task.weights(training.ema, training.task.final_size)
    return card.text(
        title=f"{job.weights.stem}: a generator of family {job.family}",
        command=shlex.join(["python", "-m", "lacuna.stages.train_generator", "--job", job.model_dump_json()]),
        settings=job.settings,
        shown=training.schedule.shown(training.images),
        seconds=journal.seconds,
        threads=job.threads,
        device=str(training.device),
        trained_on=f"the first {job.count:,} images of `{job.images.name}`",
        parameters=sum(tensor.numel() for tensor in weights.values()),
        rows=journal.rows,
    )


if __name__ == "__main__":
    command.run("train_generator", main)
