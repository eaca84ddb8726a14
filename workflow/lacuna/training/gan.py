"""Adversarial training, whatever the family: steps of both networks and the running mean of the generator's weights.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from lacuna.errors import UserError
from lacuna.formats import files
from lacuna.runtime import compute, precision, seeds
from lacuna.training import loop
from lacuna.training.data import RealImages
from lacuna.training.loop import Journal, Row
from lacuna.training.schedule import Phase, Schedule, Stage
from lacuna.training.settings import Adversarial

NUMBERS = (
    "loss_d", "loss_g", "penalty", "score_real", "score_generated", "class_loss_real", "class_loss_generated",
)  # fmt: skip
COLLAPSED_ROWS, COLLAPSED_LOSS = 10, 1e-3


class GanTask(Protocol):
    """What a family brings: two networks, their losses, and the generator's weights as they are to be kept.

    Settings: the model of what it is told, with which it is made.
    """

    Settings: ClassVar[type[Any]]
    discriminator_steps: int  # for each step of the generator
    final_size: int  # pixels
    z_dim: int
    classes: tuple[int, ...]  # labels that it learns to tell apart; empty where it knows none

    @property
    def generator(self) -> nn.Module: ...

    @property
    def discriminator(self) -> nn.Module: ...

    def generate(self, generator: nn.Module, z_ND: Tensor, phase: Phase) -> Tensor: ...

    def discriminator_loss(
        self, real_N3HW: Tensor, generated_N3HW: Tensor, phase: Phase, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]: ...

    def generator_loss(self, generated_N3HW: Tensor, phase: Phase) -> Tensor: ...

    def weights(self, generator: nn.Module, size: int) -> dict[str, Tensor]: ...

    def description(self, size: int) -> dict[str, Any]: ...


class GanTraining(loop.Training):
    """Both networks of a family.

    Args:
        build: makes the family's task from the settings.
        settings: those of the family.
        seed: root seed of the weights and of every z.
        name: of the network, for messages.

    Attributes:
        real: the real images, once they are there; the task says which they must be.
    """

    advice = "lower learning_rate or raise the penalty"
    real: RealImages

    def __init__(
        self,
        build: Callable[[Any], GanTask],
        settings: Adversarial,
        seed: int,
        device: torch.device,
        name: str = "the generator",
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_generator", "weights"))
            self.task = build(settings)
        whole = [Stage(size=self.task.final_size, images=1, fade=0)]  # of families that do not grow
        self.schedule = Schedule(getattr(settings, "schedule", whole), self.task.final_size)
        self.settings, self.seed, self.device, self.name = settings, seed, device, name
        # Of the convolutions; weights, their running mean, losses and the penalty are float32 either way.
        self.precision = precision.training_precision(settings.precision, device)
        self.images_per_step = settings.batch_size * self.task.discriminator_steps
        self.steps = math.ceil(settings.images / self.images_per_step)
        self.log_interval = settings.log_interval
        self.task.generator.to(device)
        self.task.discriminator.to(device)
        self.ema = copy.deepcopy(self.task.generator).requires_grad_(False)
        self.random = compute.generator(seed, "train_generator", "z")
        self.generator_optimizer = self._optimizer(self.task.generator)
        self.discriminator_optimizer = self._optimizer(self.task.discriminator)
        self.parts = {
            "generator": self.task.generator,
            "discriminator": self.task.discriminator,
            "ema": self.ema,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "random": self.random,
        }

    def _optimizer(self, network: nn.Module) -> torch.optim.Adam:
        beta_1, beta_2 = self.settings.betas
        return torch.optim.Adam(network.parameters(), self.settings.learning_rate, (beta_1, beta_2), fused=True)

    def phase(self, done: int) -> Phase:
        """The phase after so many steps."""
        return self.schedule.at(done * self.images_per_step)

    def batch(self, step: int) -> Tensor:
        """Real images of a step, those of its discriminator's steps one after another."""
        return self.real.batch(step * self.images_per_step, self.images_per_step, self.phase(step).size)

    def step(self, step: int, batch: Tensor) -> dict[str, Tensor]:
        """Train both networks once."""
        phase, numbers = self.phase(step), dict[str, Tensor]()
        # What networks draw themselves (dropout) depends on the seed and the step alone, so it needs no state.
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seeds.seed_for(self.seed, "train_generator", "step", step))
            for k, real_N3HW in enumerate(batch.split(self.settings.batch_size)):
                judged = step * self.task.discriminator_steps + k
                numbers |= self._step_discriminator(real_N3HW.to(self.device), phase, judged)
            numbers |= self._step_generator(phase)
        self._average_weights(step + 1)
        return numbers

    def _step_discriminator(self, real_N3HW: Tensor, phase: Phase, step: int) -> dict[str, Tensor]:
        with self._autocast():
            with torch.no_grad():
                generated_N3HW = self.task.generate(self.task.generator, self._z(len(real_N3HW)), phase)
            loss, numbers = self.task.discriminator_loss(real_N3HW, generated_N3HW, phase, step)
        _descend(self.discriminator_optimizer, loss)
        return numbers

    def _step_generator(self, phase: Phase) -> dict[str, Tensor]:
        self.task.discriminator.requires_grad_(False)
        with self._autocast():
            generated_N3HW = self.task.generate(self.task.generator, self._z(self.settings.batch_size), phase)
            loss = self.task.generator_loss(generated_N3HW, phase)
        _descend(self.generator_optimizer, loss)
        self.task.discriminator.requires_grad_(True)
        return {"loss_g": loss}

    def _autocast(self) -> torch.autocast:
        return precision.autocast(self.precision, self.device)

    def _average_weights(self, done: int) -> None:
        # The half-life is short when a size is new, or the random first weights of its layers would stay for long.
        shown = self.schedule.shown(done * self.images_per_step)[self.phase(done).size]
        half_life = min(self.settings.ema_half_life, max(0.05 * shown, 1.0))
        average = get_ema_multi_avg_fn(0.5 ** (self.images_per_step / half_life))
        new = [parameter.detach() for parameter in self.task.generator.parameters()]
        average(list(self.ema.parameters()), new, done)

    def _z(self, count: int) -> Tensor:
        return torch.randn(count, self.task.z_dim, generator=self.random).to(self.device)

    def has_row(self, done: int) -> bool:
        """Not after the last step: it may be asked for more, and the row goes on then."""
        return self.passes(self.log_interval, done)

    def row(self, journal: Journal) -> Row:
        """Raises a UserError if the discriminator has had nothing left to learn for the last rows."""
        done, means = journal.step, journal.means
        recent = [*journal.rows, means][-COLLAPSED_ROWS:]
        if len(recent) == COLLAPSED_ROWS and all(abs(row.get("loss_d", math.nan)) < COLLAPSED_LOSS for row in recent):
            raise UserError(
                f"training of {self.name}: the discriminator's loss has been 0 for long, nothing is learned any more; "
                f"the last state is kept, {self.advice}"
            )
        phase = self.phase(max(done - 1, 0))  # in which the last step was
        place = {"images": done * self.images_per_step, "size": phase.size, "alpha": phase.alpha}
        images = (done - journal.row_step) * self.images_per_step
        rate = images / max(journal.seconds - journal.row_seconds, 1e-9)
        return place | {name: means.get(name, math.nan) for name in NUMBERS} | {"images_per_s": rate}

    def samples(self, z_ND: Tensor, done: int) -> Tensor:
        """What the averaged generator makes of `z_ND` after so many steps: (N, 3, H, W), about [-1, 1]."""
        with torch.no_grad():
            return self.task.generate(self.ema, z_ND.to(self.device), self.phase(done))


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def write_sheet(path: Path, images_NHW3: NDArray[np.uint8], side: int) -> None:
    """A PNG of all images in rows, each enlarged to at least `side` pixels without smoothing."""
    N, size = images_NHW3.shape[:2]
    columns = math.isqrt(N - 1) + 1
    blank = np.full((-N % columns, *images_NHW3.shape[1:]), 255, np.uint8)
    tiles = np.concatenate([images_NHW3, blank]).repeat(-(-side // size), 1).repeat(-(-side // size), 2)
    rows, height, width = len(tiles) // columns, *tiles.shape[1:3]
    sheet = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    with files.atomic(path) as partial:
        Image.fromarray(sheet).save(partial, format="PNG")
