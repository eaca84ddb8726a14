"""What the configuration says of a classifier that the workflow trains."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from lacuna.config.base import Name, Precision, Section
from lacuna.config.network_entries import ClassifierEntry
from lacuna.networks.settings import Resnet


class Training(Section):
    """Settings of train_classifier."""

    architecture: Resnet = Field(
        Resnet(depths=[1, 1, 1, 1], stem_stride=2), description="Widths and depths of the residual network."
    )
    images: PositiveInt = Field(80_000, description="Training images shown, with repeats.")
    batch_size: PositiveInt = Field(32, description="Images per step.")
    learning_rate: PositiveFloat = Field(0.003, description="Highest learning rate of AdamW's one cycle.")
    weight_decay: NonNegativeFloat = Field(0.0001, description="AdamW's weight decay.")
    precision: Precision = "auto"
    checkpoint_interval: PositiveInt = Field(4000, description="Images shown between two saved states.")


class Settings(ClassifierEntry):
    """A residual network as train_classifier makes it."""

    family: Literal["resnet"]
    trained_on: Name | None = Field(None, description="World or labelled source to train on.")
    validated_on: Name | None = Field(None, description="World or labelled source of held-out images.")
    train: Training = Field(Training(), description="Settings of train_classifier, where there is no checkpoint.")
