"""What the configuration says of the published network of Unified Perceptual Parsing."""

from typing import Literal

from pydantic import Field

from lacuna.config.network_entries import SegmenterEntry


class Settings(SegmenterEntry):
    """Unified Perceptual Parsing as published: ResNet-50, 336 objects."""

    family: Literal["upp"]
    checkpoint: str = Field(description="Folder of labels.json and the published encoder and decoder.")
