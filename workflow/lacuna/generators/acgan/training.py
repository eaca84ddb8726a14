"""The AC-GAN's side of a training: its networks and its losses.

In a training with classes, place i of every batch, real or generated, is of class i mod K.

Shape suffixes: N images, D latent numbers, K classes, H height, W width.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from lacuna.generators.acgan.discriminator import ClassDiscriminator
from lacuna.generators.acgan.model import ClassGenerator, calibrated, with_class
from lacuna.generators.acgan.settings import SplitTraining
from lacuna.training import losses
from lacuna.training.schedule import Phase

CALIBRATED_ON = 500  # samples from which the kept generator's batch norms are measured
CALIBRATION_SEED = 0


class AcganTask:
    """L_S: is the source of each image seen rightly? L_C: its class? D maximises L_S + L_C, G maximises L_C - L_S.

    As usual, and as in the other families here, G's part of -L_S is the non-saturating one.

    Source:
        Odena et al. 2017, arXiv:1610.09585, equations 2 and 3.
    """

    Settings: ClassVar = SplitTraining
    discriminator_steps = 1

    def __init__(self, settings: SplitTraining) -> None:
        self.classes = tuple(settings.classes)
        self.generator = ClassGenerator(settings.sizes, self.classes)
        self.final_size, self.z_dim = self.generator.size, self.generator.z_dim
        self.discriminator = ClassDiscriminator(
            self.final_size, settings.discriminator_widths, len(self.classes), settings.dropout, settings.noise
        )

    def places(self, count: int) -> Tensor:
        """Class of each place of a batch, as a position in `classes`."""
        return torch.arange(count) % len(self.classes)

    def generate(self, generator: torch.nn.Module, z_ND: Tensor, phase: Phase) -> Tensor:
        x_N3HW: Tensor = generator(with_class(z_ND, self.places(len(z_ND)).to(z_ND.device), len(self.classes)))
        return x_N3HW

    def discriminator_loss(
        self, real_N3HW: Tensor, generated_N3HW: Tensor, phase: Phase, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """-(L_S + L_C), and what of it is worth a log."""
        real_N, real_class = self._judged(real_N3HW)
        generated_N, generated_class = self._judged(generated_N3HW)
        source = losses.discriminator_loss(real_N, generated_N)
        numbers = {
            "loss_d": source, "score_real": real_N.mean(), "score_generated": generated_N.mean(),
            "class_loss_real": real_class, "class_loss_generated": generated_class,
        }  # fmt: skip
        return source + real_class + generated_class, numbers

    def generator_loss(self, generated_N3HW: Tensor, phase: Phase) -> Tensor:
        """-(L_C - L_S) as far as the generator has a part in it."""
        generated_N, generated_class = self._judged(generated_N3HW)
        return losses.generator_loss(generated_N) + generated_class

    def _judged(self, x_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the source (N,), and the mean cross-entropy of the class."""
        scores_N, scores_NK = self.discriminator(x_N3HW)
        return scores_N, F.cross_entropy(scores_NK, self.places(len(x_N3HW)).to(x_N3HW.device))

    def weights(self, generator: torch.nn.Module, size: int) -> dict[str, Tensor]:
        """State dict of the finished generator, its batch norms measured on samples of its own.

        Kept in half precision: half the file, and no pixel changes by more than a level or two of its byte.
        """
        assert isinstance(generator, ClassGenerator)
        random = torch.Generator().manual_seed(CALIBRATION_SEED)
        z_ND = torch.randn(CALIBRATED_ON, self.z_dim, generator=random).to(next(generator.parameters()).device)
        places_N = self.places(CALIBRATED_ON).to(z_ND.device)
        found = calibrated(generator, with_class(z_ND, places_N, len(self.classes))).state_dict()
        return {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in found.items()}

    def description(self, size: int) -> dict[str, Any]:
        """What the generator is, for its file."""
        return {
            "sizes": self.generator.sizes, "size": self.final_size, "z_dim": self.z_dim, "classes": list(self.classes),
        }  # fmt: skip
