"""One adversarial training, whatever the family: steps of both networks, the running mean of weights, its state.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lacuna.errors import diverged
from lacuna.runtime import compute, precision, seeds
from lacuna.training.schedule import Phase, Schedule

ADVICE = "lower learning_rate or raise the penalty"  # where a training diverged


class GanTask(Protocol):
    """What a family brings: two networks, their losses, and the generator's weights as they are to be kept."""

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


class GanTraining:
    """State of a training. `step` goes on; `state_dict` holds all that the next steps depend on.

    Args:
        build: makes the family's task from the settings.
        settings: `sizes` (or what the family needs), `schedule`, `batch_size`, `learning_rate`, `betas`,
            `ema_half_life` (real images).
        seed: root seed of the weights and of every z.
        name: of the network, for messages.
    """

    def __init__(
        self,
        build: Callable[[Mapping[str, Any]], GanTask],
        settings: Mapping[str, Any],
        seed: int,
        device: torch.device,
        name: str = "the generator",
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.seed_for(seed, "train_generator", "weights"))
            self.task = build(settings)
        whole = [{"size": self.task.final_size, "images": 1, "fade": 0}]  # of families that do not grow
        self.schedule = Schedule(settings.get("schedule", whole), self.task.final_size)
        self.batch_size: int = settings["batch_size"]
        self.ema_half_life: float = settings["ema_half_life"]
        self.seed, self.device, self.name = seed, device, name
        # Of the convolutions; weights, their running mean, losses and the penalty are float32 either way.
        self.precision = precision.training_precision(settings["precision"], device)
        self.task.generator.to(device)
        self.task.discriminator.to(device)
        self.ema = copy.deepcopy(self.task.generator).requires_grad_(False)
        self.random = compute.generator(seed, "train_generator", "z")
        self.steps = 0  # of the generator
        self.images = 0  # real ones, shown to the discriminator
        optimizer = {"lr": settings["learning_rate"], "betas": tuple(map(float, settings["betas"])), "fused": True}
        self.generator_optimizer = torch.optim.Adam(self.task.generator.parameters(), **optimizer)
        self.discriminator_optimizer = torch.optim.Adam(self.task.discriminator.parameters(), **optimizer)

    @property
    def phase(self) -> Phase:
        return self.schedule.at(self.images)

    def step(self, real: Callable[[int, int], Tensor]) -> dict[str, float]:
        """Train both networks once; `real(shown, size)` gives the next batch of real images.

        Raises:
            UserError: a loss is not finite; the weights are those before the step.
        """
        phase, numbers = self.phase, dict[str, float]()
        # What networks draw themselves (dropout) depends on the seed and the step alone, so it needs no state.
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seeds.seed_for(self.seed, "train_generator", "step", self.steps))
            for _ in range(self.task.discriminator_steps):
                numbers |= self._step_discriminator(real(self.images, phase.size), phase)
                self.images += self.batch_size
            numbers |= self._step_generator(phase)
        self._average_weights(self.batch_size * self.task.discriminator_steps)
        self.steps += 1
        return numbers

    def _step_discriminator(self, real_N3HW: Tensor, phase: Phase) -> dict[str, float]:
        step = self.images // self.batch_size
        with self._autocast():
            with torch.no_grad():
                generated_N3HW = self.task.generate(self.task.generator, self._z(len(real_N3HW)), phase)
            loss, numbers = self.task.discriminator_loss(real_N3HW, generated_N3HW, phase, step)
        self._descend(self.discriminator_optimizer, loss, "loss of the discriminator")
        return {name: number.item() for name, number in numbers.items()}

    def _step_generator(self, phase: Phase) -> dict[str, float]:
        self.task.discriminator.requires_grad_(False)
        with self._autocast():
            generated_N3HW = self.task.generate(self.task.generator, self._z(self.batch_size), phase)
            loss = self.task.generator_loss(generated_N3HW, phase)
        self._descend(self.generator_optimizer, loss, "loss of the generator")
        self.task.discriminator.requires_grad_(True)
        return {"loss_g": loss.item()}

    def _autocast(self) -> torch.autocast:
        return precision.autocast(self.precision, self.device)

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor, what: str) -> None:
        if not torch.isfinite(loss):
            raise diverged(self.name, what, loss.item(), self.steps, ADVICE)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _average_weights(self, images: int) -> None:
        # The half-life is short when a size is new, or the random first weights of its layers would stay for long.
        shown = self.schedule.shown(self.images)[self.phase.size]
        half_life = min(self.ema_half_life, max(0.05 * shown, 1.0))
        new = [parameter.detach() for parameter in self.task.generator.parameters()]
        torch._foreach_lerp_(list(self.ema.parameters()), new, 1 - 0.5 ** (images / half_life))

    def _z(self, count: int) -> Tensor:
        return torch.randn(count, self.task.z_dim, generator=self.random).to(self.device)

    def samples(self, z_ND: Tensor) -> Tensor:
        """What the averaged generator makes of `z_ND` by now: (N, 3, H, W), about [-1, 1]."""
        with torch.no_grad():
            return self.task.generate(self.ema, z_ND.to(self.device), self.phase)

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers."""
        networks = (self.task.generator, self.task.discriminator)
        return all(bool(torch.isfinite(weight).all()) for network in networks for weight in network.parameters())

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "images": self.images,
            "random": self.random.get_state(),
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps, self.images = state["steps"], state["images"]
        self.random.set_state(state["random"])
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.task.generator,
            "discriminator": self.task.discriminator,
            "ema": self.ema,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }
