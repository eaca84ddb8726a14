"""WGAN-GP's side of a training: its networks at their one size."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from lacuna.errors import UserError
from lacuna.generators.wgan.critic import Critic, settled
from lacuna.generators.wgan.model import BATCH_NORM, AblationGenerator
from lacuna.training import losses
from lacuna.training.schedule import Phase
from lacuna.training.settings import GanTraining

SETTLED_ON = 512  # samples from which the statistics of the averaged generator's batch norms are taken
SETTLED_SEED = 0


class WganTask:
    """The published ablation's generator against a critic, by the Wasserstein loss with a gradient penalty.

    Source:
        Gulrajani et al. 2017, arXiv:1704.00028 (five critic steps, penalty 10, no drift); Karras et al. 2018,
        arXiv:1710.10196, section 6.1, configuration (a) (networks).
    """

    Settings: ClassVar = GanTraining
    classes: tuple[int, ...] = ()

    def __init__(self, settings: GanTraining) -> None:
        self.generator = AblationGenerator(BATCH_NORM, settings.sizes, clamp=False)
        self.discriminator = Critic(settings.sizes)
        self.discriminator_steps = settings.critic_steps
        self.final_size, self.z_dim = self.generator.size, self.generator.z_dim
        if settings.loss != "wasserstein" or len(settings.schedule) != 1:
            raise UserError(
                f"family wgan: loss {settings.loss} and {len(settings.schedule)} sizes in the schedule, expected "
                "loss wasserstein and one size, as it does not grow; correct the settings"
            )
        self.loss = losses.loss_of(settings, self.final_size)

    def generate(self, generator: torch.nn.Module, z_ND: Tensor, phase: Phase) -> Tensor:
        x_N3HW: Tensor = (generator if generator is self.generator else self._settled(generator))(z_ND)
        return x_N3HW

    def discriminator_loss(
        self, real_N3HW: Tensor, generated_N3HW: Tensor, phase: Phase, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and what of it is worth a log."""
        return self.loss.discriminator(self.discriminator, real_N3HW, generated_N3HW, step)

    def generator_loss(self, generated_N3HW: Tensor, phase: Phase) -> Tensor:
        return self.loss.generator(self.discriminator(generated_N3HW))

    def weights(self, generator: torch.nn.Module, size: int) -> dict[str, Tensor]:
        """State dict of the averaged generator, its batch norms measured on samples of its own."""
        return self._settled(generator).state_dict()

    def description(self, size: int) -> dict[str, Any]:
        """What the generator is, for its file."""
        return {"sizes": self.generator.sizes, "size": self.final_size, "z_dim": self.z_dim}

    def _settled(self, generator: torch.nn.Module) -> AblationGenerator:
        assert isinstance(generator, AblationGenerator)
        random = torch.Generator().manual_seed(SETTLED_SEED)
        z_ND = torch.randn(SETTLED_ON, self.z_dim, generator=random)
        return settled(generator, z_ND.to(next(generator.parameters()).device))
