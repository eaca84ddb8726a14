"""What the configuration says of a segmenter that the user has exported."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import ProgramEntry


class Settings(ProgramEntry):
    """A program of the user's own, made with torch.export; loading one runs what its maker wrote."""

    family: Literal["exported"]
    checkpoint: str = Field(description="The .pt2 file of the program.")
