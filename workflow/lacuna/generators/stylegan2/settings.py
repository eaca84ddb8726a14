"""What the configuration says of a StyleGAN2."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from lacuna.config.base import Share
from lacuna.config.network_entries import GeneratorEntry


class Settings(GeneratorEntry):
    """A StyleGAN2 from its own files; it is not trained here."""

    family: Literal["stylegan2"]
    checkpoint: str = Field(description="NVIDIA's .pkl, rosinality's .pt, or a state dict of either.")
    truncation: Share = Field(
        1.0, description="How far w may lie from its mean, 0 (not at all, one image for all z) to 1 (as it is)."
    )
    truncation_layers: PositiveInt | None = Field(
        None,
        description="How many vectors w this holds for, two at 4 pixels and two more at each larger size; all where "
        "absent.",
    )
    noise: Literal["fixed", "none", "per_image"] = Field(
        "fixed",
        description="fixed is one noise image per layer, which inversion needs (the published code's const); none "
        "leaves it out; per_image is drawn from each image's z, as the published statistics were measured.",
    )
    label: NonNegativeInt | None = Field(
        None,
        description="The one class that is drawn by a network with classes, which inversion needs; where absent, "
        "images go round all classes.",
    )

    @property
    def draws_classes(self) -> bool:
        """Not where it draws one alone."""
        return self.label is None
