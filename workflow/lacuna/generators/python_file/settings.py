"""What the configuration says of a generator that is code of the user's."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import GeneratorEntry


class Settings(GeneratorEntry):
    """A generator in a Python file."""

    family: Literal["python"]
    checkpoint: str = Field(description="Weights file.")
    file: str = Field(
        min_length=1,
        description="Python file with a function that returns the width of z and the layers by name; see "
        "docs/generators.md.",
    )
    function: str = Field("generator", description="Name of that function; it takes no arguments.")
    encoder: str | None = Field(
        None,
        description="Name of a function of the file that returns an encoder, a module that makes z of images; its "
        "weights are in the checkpoint, as encoder.<name>. Where absent, train_encoder trains one.",
    )

    @property
    def has_encoder(self) -> bool:
        """Where it names one."""
        return self.encoder is not None
