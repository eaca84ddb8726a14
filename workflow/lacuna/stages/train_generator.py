"""Train a generator on a source's images, adversarially.

An interrupted training goes on from its last state, bit by bit as if nothing had happened; so does a finished one that
is asked for more images: `images` and the two intervals of the settings are no part of what a state is resumed by.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from lacuna import families
from lacuna.config import shards
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import digest_file
from lacuna.training import card, loop
from lacuna.training.data import RealClasses, RealImages
from lacuna.training.gan import GanTraining, write_sheet
from lacuna.training.loop import Journal

# None of these changes what a step does. Leaving `images` out is what makes "train it longer" a change of one number.
NOT_IN_KEY = {"images", "log_interval", "sheet_interval"}
SHEET_IMAGES = 64


class Job(command.ComputingJob):
    """What the stage is told."""

    family: str
    images: Path = Field(description="folder of the source's image shards")
    count: int = Field(description="real images; shown in random order, again and again")
    shard_size: int
    settings: dict[str, Any] = Field(description="those of the family's task, see its settings.py")
    seed: int
    state: Path = Field(description="training state; sheets of a training that goes on lie beside it")
    weights: Path
    card: Path
    log: Path
    sheets: Path = Field(description="folder for sheets of samples")


class Training(GanTraining):
    """The training that a job asks for; it leaves sheets of samples on its way."""

    def __init__(self, job: Job, device: torch.device) -> None:
        build = families.task("generators", job.family)
        settings = precision.settled(command.checked(build.Settings, job.settings), device)
        super().__init__(build, settings, job.seed, device, f"generator {job.weights.stem}")
        self.job = job

    def begin(self) -> None:
        shutil.rmtree(kept_sheets(self.job), ignore_errors=True)  # those of another training

    def after_step(self, done: int) -> None:
        if self.passes(self.settings.sheet_interval, done):
            leave_sheet(self, done)


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("train_generator", Job, __doc__, argv)
    compute.configure(job.threads)
    training = Training(job, compute.device(job.device))
    paths = shards.shard_paths(job.images, job.count, job.shard_size)
    with real_images(training, paths) as training.real:
        journal = loop.run(training, job.state, state_key(training, paths), job.log)
    leave_sheet(training, journal.step)
    hand_over_sheets(kept_sheets(job), job.sheets, journal.step * training.images_per_step)
    checkpoints.save_weights(job.weights, *weights_now(training, journal.step, training.task.final_size))
    files.write_text(job.card, card_text(training, journal))


def real_images(training: Training, paths: Sequence[Path]) -> RealImages:
    """Real images in random order, class by class where the family knows classes.

    Raises:
        UserError: fewer than a batch, or of a size that the generator's does not divide.
    """
    job, classes, size = training.job, training.task.classes, training.task.final_size
    told = (paths, job.count, training.settings.batch_size, job.seed)
    found = RealClasses(*told, classes) if classes else RealImages(*told)
    if found.size % size:
        found.close()
        raise UserError(
            f"{job.images}: images of {found.size} pixels, expected the generator's {size} or a multiple; render that "
            "size or change the generator's sizes"
        )
    return found


def state_key(training: Training, paths: Sequence[Path]) -> dict[str, Any]:
    """What a training state must share with this command to be resumed by it."""
    job = training.job
    return {
        "stage": "train_generator",
        "family": job.family,
        "code": job.code,
        "settings": training.settings.model_dump(exclude=NOT_IN_KEY),
        "seed": job.seed,
        "count": job.count,
        "inputs": {path.name: digest_file(path) for path in paths},
    }


def leave_sheet(training: Training, done: int) -> None:
    """Samples of the averaged generator after so many steps, of the same z each time; beside them its weights."""
    random = compute.generator(training.seed, "train_generator", "sheet")
    count = len(training.task.classes) ** 2 or SHEET_IMAGES  # one class per column
    samples_N3HW = training.samples(torch.randn(count, training.task.z_dim, generator=random), done)
    path = kept_sheets(training.job) / f"{done * training.images_per_step:08d}.png"
    write_sheet(path, to_bytes(samples_N3HW), side=training.task.final_size)
    settled = training.phase(done).settled_size  # the largest size that is wholly blended in
    checkpoints.save_weights(path.with_suffix(".safetensors"), *weights_now(training, done, settled))


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


def weights_now(training: Training, done: int, size: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The averaged generator's weights after so many steps, and what is known of them."""
    job = training.job
    metadata = {
        "family": job.family,
        **training.task.description(size),
        "settings": training.settings.given(),
        "images": done * training.images_per_step,
        "trained_on": job.images.name,
        "code": job.code,
        "seed": job.seed,
    }
    return training.task.weights(training.ema, size), metadata


def card_text(training: Training, journal: Journal) -> str:
    job, task, settings = training.job, training.task, training.settings
    shown = training.schedule.shown(journal.step * training.images_per_step)
    parameters = sum(tensor.numel() for tensor in task.weights(training.ema, task.final_size).values())
    body = [
        f"Trained on the first {job.count:,} images of `{job.images.name}`: {sum(shown.values()):,} real images shown, "
        f"{journal.seconds / 60:.1f} minutes of training",
        f"on {card.processor()}, device {training.device}, {job.threads} thread(s). The weights are the running mean "
        "over the training's end",
        f"(half-life {settings.ema_half_life:,} images); {parameters:,} parameters.",
        "",
        "| size in pixels | real images shown |",
        "|---|---|",
        *(f"| {size} | {count:,} |" for size, count in shown.items() if count > 0),
    ]
    command_line = shlex.join(["python", "-m", "lacuna.stages.train_generator", "--job", job.model_dump_json()])
    title = f"{job.weights.stem}: a generator of family {job.family}"
    return card.page(title, body, command_line, settings, journal.rows)


if __name__ == "__main__":
    command.run("train_generator", main)
