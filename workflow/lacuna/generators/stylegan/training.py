"""The style-based generator's side of a training."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lacuna.generators.progan.training import GrowingTask
from lacuna.generators.stylegan.growing import GrowingStyleGenerator
from lacuna.generators.stylegan.settings import Training
from lacuna.training.schedule import Phase


class StyleganTask(GrowingTask):
    """The style-based generator against ProGAN's discriminator; both grow together.

    So it was published; here it also means that ProGAN and StyleGAN see the same images at the same sizes and differ
    in the generator alone. At 64 pixels one size from the start would do too, at twice the time.

    The published mapping network learns a hundred times slower than the other layers (`mapping_rate` 0.01), over 25
    million images. In a training a hundred times shorter it would stay what it was at the start; at the others' rate w
    collapses: after 16,000 images of 8 pixels the w of two z had correlation 0.96, and the samples 0.6 of the scenes'
    standard deviation. With 0.1 it was 0.61 and 1.0 of it after 12,000.

    Source:
        Karras et al. 2019, arXiv:1812.04948, section 2 and appendix C: growing from 8 pixels, non-saturating loss with
        R1, mixing regularisation.
    """

    Settings: ClassVar = Training

    def __init__(self, settings: Training) -> None:
        generator = GrowingStyleGenerator(
            settings.sizes, settings.mapping_layers, settings.mapping_rate, settings.style_mixing
        )
        super().__init__(generator, settings)

    def generate(self, generator: torch.nn.Module, z_ND: Tensor, phase: Phase) -> Tensor:
        """Images; while the generator learns with new noise and mixed styles, drawn from a stream that `z` seeds."""
        random = _stream_of(z_ND) if generator is self.generator else None
        x_N3HW: Tensor = generator(z_ND, phase.size, phase.alpha, random)
        return x_N3HW


def _stream_of(z_ND: Tensor) -> torch.Generator:
    """A stream of random numbers that the first latent numbers seed."""
    seed = int(z_ND[0, :2].cpu().numpy().astype(np.float32).view(np.int64)[0])
    return torch.Generator(z_ND.device).manual_seed(seed)
