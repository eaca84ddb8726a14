"""The side of the progressive GAN, and of any that grows like it, in a training: networks, and what plays when."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from lacuna.generators.progan.growing import GrowingDiscriminator, GrowingGenerator, soften
from lacuna.generators.stylegan.growing import GrowingStyleGenerator
from lacuna.training import losses
from lacuna.training.schedule import Phase
from lacuna.training.settings import GanTraining


class GrowingTask:
    """A generator that grows against ProGAN's discriminator, which grows with it."""

    Settings: ClassVar[type[GanTraining]] = GanTraining
    classes: tuple[int, ...] = ()

    def __init__(self, generator: GrowingGenerator | GrowingStyleGenerator, settings: GanTraining) -> None:
        self.generator = generator
        self.discriminator = GrowingDiscriminator(settings.sizes)
        self.discriminator_steps = settings.critic_steps
        self.final_size = 2 ** len(settings.sizes)
        self.z_dim = self.generator.z_dim
        self.loss = losses.loss_of(settings, self.final_size)

    def generate(self, generator: torch.nn.Module, z_ND: Tensor, phase: Phase) -> Tensor:
        x_N3HW: Tensor = generator(z_ND, phase.size, phase.alpha)
        return x_N3HW

    def discriminator_loss(
        self, real_N3HW: Tensor, generated_N3HW: Tensor, phase: Phase, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and what of it is worth a log."""
        real_N3HW = soften(real_N3HW, phase.alpha)
        return self.loss.discriminator(lambda x: self.discriminator(x, phase.alpha), real_N3HW, generated_N3HW, step)

    def generator_loss(self, generated_N3HW: Tensor, phase: Phase) -> Tensor:
        return self.loss.generator(self.discriminator(generated_N3HW, phase.alpha))

    def weights(self, generator: torch.nn.Module, size: int) -> dict[str, Tensor]:
        """State dict of the finished generator of images of `size` pixels."""
        assert isinstance(generator, GrowingGenerator | GrowingStyleGenerator)
        return generator.weights(size)

    def description(self, size: int) -> dict[str, Any]:
        """What the generator of images of `size` pixels is, for its file."""
        return {"sizes": self.generator.sizes[: size.bit_length() - 1], "size": size, "z_dim": self.z_dim}


class ProganTask(GrowingTask):
    """The progressive GAN. The published loss is `wasserstein`; `logistic` needs fewer passes a step.

    Source:
        Karras et al. 2018, arXiv:1710.10196 (networks, growing, loss).
    """

    def __init__(self, settings: GanTraining) -> None:
        super().__init__(GrowingGenerator(settings.sizes), settings)
