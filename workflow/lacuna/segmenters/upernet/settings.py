"""What the configuration says of a UPerNet and its training."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from lacuna.config.base import Name, Section, Share
from lacuna.config.network_entries import SegmenterEntry
from lacuna.networks.settings import Resnet
from lacuna.training.settings import Judged


class Architecture(Section):
    """Widths and depths of the network."""

    encoder: Resnet = Field(Resnet(), description="The residual network below the pyramid.")
    fpn_dim: PositiveInt = Field(32, description="Channels of the feature pyramid.")
    ppm_dim: PositiveInt = Field(32, description="Channels of each map of the pyramid pooling.")


class LossWeights(Section):
    """Weights of the four heads' losses."""

    object: NonNegativeFloat = Field(1.0, description="Cross-entropy of objects.")
    part: NonNegativeFloat = Field(0.5, description="Cross-entropy of parts, within their owner.")
    material: NonNegativeFloat = Field(0.5, description="Cross-entropy of materials.")
    scene: NonNegativeFloat = Field(0.25, description="Cross-entropy of the scene's kind.")


class Training(Judged):
    """Settings of train_segmenter."""

    architecture: Architecture = Architecture()
    class_weight_power: Share = Field(
        0.25,
        description="Rare classes count more by their frequency to the minus this; 0 treats pixels alike, 1 classes.",
    )
    loss_weights: LossWeights = LossWeights()


class Settings(SegmenterEntry):
    """A UPerNet as train_segmenter makes it."""

    family: Literal["upernet"]
    trained_on: Name | None = Field(None, description="World source to train on.")
    validated_on: Name | None = Field(None, description="World source of held-out scenes.")
    train: Training = Training()
