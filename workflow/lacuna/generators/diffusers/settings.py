"""What the configuration says of a pipeline of diffusers."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from lacuna.config.base import Share
from lacuna.config.network_entries import GeneratorEntry


class Settings(GeneratorEntry):
    """A pipeline of diffusers: unconditional, of classes, or of texts. It is sampled, not inverted and not trained."""

    family: Literal["diffusers"]
    checkpoint: str = Field(description="Folder of the pipeline, as its `save_pretrained` writes it.")
    prompts: str | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = Field(
        None,
        description="What a pipeline draws that takes text: a CSV file with columns file and prompt, or a list. Image "
        "i has prompt i.",
    )
    label: NonNegativeInt | None = Field(
        None, description="The one class that is drawn by a pipeline with classes; where absent, images go round all."
    )
    steps: PositiveInt | None = Field(None, description="Steps per image; as many as the pipeline takes where absent.")
    scheduler: str | None = Field(
        None,
        description="Class of diffusers that takes these steps, such as DDIMScheduler; the checkpoint's own where "
        "absent.",
    )
    guidance: NonNegativeFloat | None = Field(
        None, description="Scale of guidance towards the class or the text; the pipeline's own where absent."
    )
    eta: Share | None = Field(
        None, description="Noise in each step of DDIM, from 0 (none) to 1 (as DDPM); the pipeline's own where absent."
    )
    size: PositiveInt | None = Field(
        None, description="Height and width in pixels, where the pipeline leaves a choice; its own where absent."
    )
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = Field(
        "float32",
        description="Arithmetic of the networks, in which noise is drawn too. tf32 and float16 need a GPU.",
    )

    @property
    def draws_classes(self) -> bool:
        """Not where it draws one alone, or texts."""
        return self.label is None and self.prompts is None
