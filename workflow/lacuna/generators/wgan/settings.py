"""What the configuration says of the networks between WGAN-GP and the progressive GAN, as published."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import GeneratorEntry
from lacuna.training.settings import GanTraining


class Settings(GeneratorEntry):
    """WGAN-GP."""

    family: Literal["wgan"]
    train: GanTraining = GanTraining()


class Ablation(GeneratorEntry):
    """A published step from WGAN-GP to the progressive GAN; it is not trained here."""

    family: Literal[
        "progressive_training",
        "small_minibatch",
        "minibatch_discrimination",
        "minibatch_stddev",
        "equalised_learning_rate",
        "pixel_norm",
    ]
    checkpoint: str = Field(description="Weights file.")
