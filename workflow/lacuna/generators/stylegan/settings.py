"""What the configuration says of a StyleGAN."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from lacuna.config.base import Share
from lacuna.config.network_entries import GeneratorEntry
from lacuna.training.settings import GanTraining


class Training(GanTraining):
    """Settings of train_generator, with those of the mapping network."""

    mapping_layers: PositiveInt = Field(8, description="Depth of StyleGAN's mapping network.")
    mapping_rate: PositiveFloat = Field(
        0.1,
        description="Learning rate of StyleGAN's mapping network, relative to the others' (published 0.01, for a "
        "training a hundred times as long; at 1 the w of different z grow alike).",
    )
    style_mixing: Share = Field(
        0.9, description="Share of StyleGAN's images whose later layers are styled by a second z."
    )


class Settings(GeneratorEntry):
    """A StyleGAN of 2019."""

    family: Literal["stylegan"]
    truncation: Share = Field(
        1.0, description="How far w may lie from its mean, 0 (not at all, one image for all z) to 1 (as it is)."
    )
    truncation_layers: PositiveInt | None = Field(
        None,
        description="How many layers this holds for, from the smallest size on; all where absent. The published "
        "network has 8.",
    )
    size: PositiveInt | None = Field(
        None,
        description="Pixels of an image, where the checkpoint has outputs of several sizes; the largest where absent.",
    )
    noise: Literal["fixed", "per_image"] = Field(
        "fixed",
        description="fixed is one noise image per layer, which inversion needs; per_image is drawn from each image's "
        "z, as the published statistics were measured.",
    )
    train: Training = Training()
