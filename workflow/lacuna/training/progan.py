"""The progressive GAN's side of a training: its networks and its losses."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lacuna.models.progan_training import GrowingDiscriminator, GrowingGenerator, soften
from lacuna.training import losses
from lacuna.training.schedule import Phase


class ProganGame:
    """Non-saturating loss with a lazy R1 penalty (every `r1_interval` steps, that much heavier).

    Source:
        Karras et al. 2018, arXiv:1710.10196 (networks, growing); Karras et al. 2020, arXiv:1912.04958, appendix B
        (lazy penalty). The published loss is WGAN-GP; R1 needs no extra passes and suits small batches.
    """

    discriminator_steps = 1

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.generator = GrowingGenerator(settings["sizes"])
        self.discriminator = GrowingDiscriminator(settings["sizes"])
        self.final_size = 2 ** len(settings["sizes"])
        self.z_dim = self.generator.z_dim
        self.r1, self.r1_interval = settings["r1"], settings["r1_interval"]

    def generate(self, generator: torch.nn.Module, z_ND: Tensor, phase: Phase) -> Tensor:
        x_N3HW: Tensor = generator(z_ND, phase.size, phase.alpha)
        return x_N3HW

    def discriminator_loss(
        self, real_N3HW: Tensor, generated_N3HW: Tensor, phase: Phase, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and what of it is worth a log."""
        real_N3HW = soften(real_N3HW, phase.alpha)
        both_N = self.discriminator(torch.cat([real_N3HW, generated_N3HW]), phase.alpha)
        real_N, generated_N = both_N.split([len(real_N3HW), len(generated_N3HW)])
        loss = losses.discriminator_loss(real_N, generated_N)
        numbers = {"loss_d": loss, "score_real": real_N.mean(), "score_generated": generated_N.mean()}
        if step % self.r1_interval == 0:
            penalty = losses.r1_penalty(lambda x: self.discriminator(x, phase.alpha), real_N3HW)
            numbers["r1"] = penalty
            # A pixel of a smaller image stands for more pixels of the final one: its gradient is steeper as much.
            loss = loss + self.r1 * (phase.size / self.final_size) ** 2 * self.r1_interval * penalty
        return loss, numbers

    def generator_loss(self, generated_N3HW: Tensor, phase: Phase) -> Tensor:
        return losses.generator_loss(self.discriminator(generated_N3HW, phase.alpha))

    def weights(self, generator: torch.nn.Module, size: int) -> dict[str, Tensor]:
        """State dict of the finished generator of images of `size` pixels."""
        assert isinstance(generator, GrowingGenerator)
        return generator.weights(size)

    def description(self, size: int) -> dict[str, Any]:
        """What the generator of images of `size` pixels is, for its file."""
        return {"sizes": self.generator.sizes[: size.bit_length() - 1], "size": size, "z_dim": self.z_dim}
