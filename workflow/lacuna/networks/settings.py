"""Shapes of residual networks, as the configuration gives them."""

from typing import Literal

from pydantic import Field, PositiveInt

from lacuna.config.base import Four, Section


class Resnet(Section):
    """A residual network: the kind of its blocks, its widths and depths."""

    block: Literal["basic", "bottleneck"] = Field("basic", description="Kind of residual block.")
    depths: Four = Field([1, 2, 2, 2], description="Blocks of each of the four stages.")
    stem_widths: list[PositiveInt] = Field(
        [16, 16, 16], min_length=3, max_length=3, description="Channels of the stem's three convolutions."
    )
    widths: Four = Field([16, 32, 64, 128], description="Channels of the four stages.")
    stem_stride: Literal[1, 2, 4] = Field(
        1, description="How far the stem reduces the image; 4 as published, 1 for scenes of 64 pixels."
    )
