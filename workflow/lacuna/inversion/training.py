"""The training of an encoder part.

Shape suffixes: N images, D latent numbers.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from lacuna.config.inversion import TrainEncoder
from lacuna.errors import diverged
from lacuna.inversion.correlation import pearson
from lacuna.inversion.methods import Plan
from lacuna.inversion.pairs import EVERY, Loss, PairsOf, weighted_loss
from lacuna.runtime.precision import autocast
from lacuna.training import loop
from lacuna.training.loop import Journal, Row


class EncoderTraining(loop.Training):
    """An encoder, the pairs that it should make equal, what each counts, and latents.

    `precision` of the settings is that of the networks in a step; weights, losses and validation are float32.

    Args:
        latents: step -> z (N, D), from the number of the step alone.
        validation: z (N, D), fixed, on the encoder's device.
        prepare: brings the encoder to where a training begins.
    """

    def __init__(
        self, encoder: nn.Module, pairs: PairsOf, losses: Mapping[str, Loss], latents: Callable[[int], Tensor],
        validation: Tensor, prepare: Callable[[nn.Module], None], settings: TrainEncoder, plan: Plan, name: str,
    ) -> None:  # fmt: skip
        self.encoder, self.pairs, self.losses, self.latents = encoder, pairs, losses, latents
        self.validation, self.prepare, self.name, self.precision = validation, prepare, name, settings.precision
        self.images_per_step, self.log_every = settings.batch_size, plan.log_every
        self.steps, self.parts = 0, {}
        if list(encoder.parameters()):  # else it only hands on what a layer handed on: there is nothing to learn
            self.steps = plan.steps
            self.optimizer = torch.optim.Adam(encoder.parameters(), lr=1.0)  # a factor on the schedule's rate
            self.schedule = LambdaLR(self.optimizer, lambda step: plan.rate(step))
            self.parts = {"encoder": encoder, "optimizer": self.optimizer, "schedule": self.schedule}

    def begin(self) -> None:
        self.prepare(self.encoder)

    def batch(self, step: int) -> Tensor:
        return self.latents(step)

    def step(self, step: int, batch: Tensor) -> dict[str, Tensor]:
        wanted = frozenset(name for name, loss in self.losses.items() if loss.weight)
        self.encoder.train()
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.precision, self.validation.device):
            pairs = self.pairs(self.encoder, batch.to(self.validation.device), wanted)
        if self.precision == "bfloat16":
            pairs = {name: (a.float(), b.float()) for name, (a, b) in pairs.items()}
        loss = weighted_loss(pairs, self.losses)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return {"loss": loss}

    def has_row(self, done: int) -> bool:
        """Every so many steps, before the first and after the last too."""
        return done % self.log_every == 0 or done == self.steps

    @torch.no_grad()
    def row(self, journal: Journal) -> Row:
        """The mean loss since the last row; on fixed latents the loss, and of each pair mean error and correlation."""
        self.encoder.eval()
        pairs = self.pairs(self.encoder, self.validation, EVERY)
        validation = float(weighted_loss(pairs, self.losses))
        if not math.isfinite(validation):
            raise diverged(self.name, "validation loss", validation, journal.step)
        row = {"step": journal.step, "training_loss": journal.means.get("loss", math.nan)}
        row |= {"validation_loss": validation}
        row |= {f"error_{name}": float((a - b).abs().mean()) for name, (a, b) in pairs.items()}
        return row | {f"correlation_{name}": float(pearson(a, b).diagonal().mean()) for name, (a, b) in pairs.items()}
