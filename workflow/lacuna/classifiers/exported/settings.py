"""What the configuration says of a classifier that the user has exported."""

from typing import Literal

from pydantic import Field, PositiveInt

from lacuna.config.network_entries import ClassifierEntry


class Settings(ClassifierEntry):
    """A program of the user's own, made with torch.export."""

    family: Literal["exported"]
    checkpoint: str = Field(description="The .pt2 file of the program.")
    size: PositiveInt = Field(
        description="Pixels of the images that the program takes, RGB in 0 to 1, (N, 3, size, size)."
    )
    classes: int | list[str] = Field(
        description="Number of scores that it returns for an image, or the names of the classes."
    )
