"""The training of a network that is judged on held-out images: a segmenter, or a classifier.

Shape suffixes: N images, K classes, H and W size of the image.
"""

import shlex
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, compute, precision
from lacuna.runtime.provenance import Provenance
from lacuna.training import card, loop
from lacuna.training.labelled import LabelledBatch, rows_of_step, varied
from lacuna.training.loop import Journal
from lacuna.training.settings import Judged

REPEATED = ("images", "count", "validation_images", "validation_count", "shard_size", "seed", "threads")


class Job(command.ComputingJob):
    """What the stage is told."""

    images: str = Field(description="folder of the labelled images to learn from")
    count: int = Field(description="number of these images")
    validation_images: str = Field(description="folder of the held-out images")
    validation_count: int = Field(description="number of these images")
    shard_size: int = Field(description="images per shard, in both folders")
    settings: Judged = Field(description="architecture and training")
    seed: int = Field(description="root seed")
    state: str = Field(description="where a training that was broken off goes on from")
    weights: str = Field(description="safetensors file to write")
    card: str = Field(description="Markdown file to write: how good the network is")
    log: str = Field(description="TSV file to write: losses and scores as the training went on")


class JudgedTraining(loop.Training):
    """A network that learns from images by AdamW, in one cycle of its learning rate.

    Args:
        network: on the CPU, with its first weights.
        images, held_out: to learn from, and to be judged by.
    """

    variation = ""  # what of it the card says

    def __init__(
        self, network: nn.Module, images: ImageShards, held_out: ImageShards, settings: Judged, seed: int,
        device: torch.device, name: str,
    ) -> None:  # fmt: skip
        self.images, self.held_out, self.seed, self.device, self.name = images, held_out, seed, device, name
        self.network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.precision = precision.training_precision(settings.precision, device)
        self.steps, self.images_per_step = settings.images // settings.batch_size, settings.batch_size
        self.log_interval = settings.log_interval
        self.optimizer = torch.optim.AdamW(  # its rate is a factor on the schedule's
            network.parameters(), lr=1.0, weight_decay=settings.weight_decay
        )
        self.schedule = LambdaLR(self.optimizer, lambda step: one_cycle(step / self.steps, settings.learning_rate))
        self.parts: dict[str, Any] = {
            "network": self.network, "optimizer": self.optimizer, "schedule": self.schedule,
        }  # fmt: skip

    def rows(self, step: int) -> NDArray[np.int64]:
        """Images that a step sees."""
        return rows_of_step(self.seed, step, self.images_per_step, len(self.images))


class LabelledTraining(JudgedTraining):
    """A network that learns what labelled images show."""

    variation = ", each mirrored, relit, blurred and disturbed at random"

    @abstractmethod
    def read(self, rows: NDArray[np.int64]) -> LabelledBatch:
        """Images as they are."""

    @abstractmethod
    def losses(self, found: Any, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Terms of the loss, which is their sum, from what the network makes of images."""

    def batch(self, step: int) -> LabelledBatch:
        return varied(self.read(self.rows(step)), compute.generator(self.seed, "vary", step))

    def step(self, step: int, batch: LabelledBatch) -> dict[str, Tensor]:
        x_N3HW = batch.x_N3HW.to(self.device, memory_format=torch.channels_last)
        labels = {name: labels.to(self.device) for name, labels in batch.labels.items()}
        with precision.autocast(self.precision, self.device):
            found = self.network(x_N3HW)
        losses = self.losses(found, labels)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.optimizer.step()
        self.schedule.step()
        return losses


@contextmanager
def opened(job: Job) -> Iterator[tuple[ImageShards, ImageShards, torch.device]]:
    """The images of both folders, and the device to compute on, for which the settings are settled.

    Raises:
        UserError: fewer images than a batch.
    """
    compute.configure(job.threads)
    device = compute.device(job.device)
    job.settings = precision.settled(job.settings, device)
    batch_size, wanted = job.settings.batch_size, job.settings.images
    held_out_paths = shard_paths(job.validation_images, job.validation_count, job.shard_size)
    with ImageShards(training_paths(job)) as images, ImageShards(held_out_paths) as held_out:
        if not batch_size <= min(len(images), wanted):
            raise UserError(
                f"batch_size is {batch_size}, expected at most the {len(images)} images of {job.images} and at most "
                f"the {wanted} to be seen in all; lower it"
            )
        yield images, held_out, device


def training_paths(job: Job) -> list[Path]:
    return shard_paths(job.images, job.count, job.shard_size)


def run(
    stage: str, job: Job, training: JudgedTraining, files_read: Sequence[str | Path] = ()
) -> tuple[Journal, dict[str, Any]]:
    """Train to the end; how it went, and what the weights follow from: the images, and what else was read."""
    inputs = [*training_paths(job), *files_read]
    made_by = Provenance(stage, job.code, job.settings.given(), job.seed, inputs).attributes()
    return loop.run(training, job.state, made_by | {"threads": job.threads}, job.log), dict(made_by)


def finish(
    stage: str, job: Job, training: JudgedTraining, journal: Journal, about: Mapping[str, Any], title: str,
    body: Sequence[str],
) -> None:  # fmt: skip
    """Write weights, with what is known of them, and the card; the state is no longer needed."""
    checkpoints.save_weights(job.weights, training.network.state_dict(), about)
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(job, name)))}" for name in REPEATED]
    weights = sum(weight.numel() for weight in training.network.parameters())
    made = (
        f"Trained by `{stage}` on the first {job.count:,} images of `{Path(job.images).name}` "
        f"({journal.step * training.images_per_step:,} images seen{training.variation}), {journal.seconds:,.0f} "
        f"seconds on {training.device.type}, {card.processor()}, {job.threads} thread(s); {weights:,} weights."
    )
    command_line = f"python -m lacuna.stages.{stage} {' '.join(flags)}"
    files.write_text(job.card, card.page(title, [made, "", *body], command_line, job.settings, journal.rows))
    Path(job.state).unlink(missing_ok=True)


def one_cycle(progress: float, peak: float, warm_up: float = 0.05) -> float:
    """Rises linearly over the first `warm_up` of the training, then falls to 0 as half a cosine."""
    if progress < warm_up:
        return peak * progress / warm_up
    return peak * 0.5 * (1 + float(np.cos(np.pi * (progress - warm_up) / (1 - warm_up))))


def confusion(truth: Tensor, found: Tensor, count: int) -> NDArray[np.int64]:
    """(count, count) pixels, or images, by true class (rows) and found class (columns)."""
    pairs = truth.flatten() * count + found.flatten()
    return torch.bincount(pairs, minlength=count * count).view(count, count).cpu().numpy()
