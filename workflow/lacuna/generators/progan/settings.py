"""What the configuration says of a progressive GAN."""

from typing import Literal

from lacuna.config.network_entries import GeneratorEntry
from lacuna.training.settings import GanTraining


class Settings(GeneratorEntry):
    """A progressive GAN."""

    family: Literal["progan"]
    train: GanTraining = GanTraining()
