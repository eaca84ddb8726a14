"""What the configuration says of a classifier that the workflow trains."""

from typing import Literal

from pydantic import Field, PositiveInt

from lacuna.config.base import Name
from lacuna.config.network_entries import ClassifierEntry
from lacuna.networks.settings import Resnet
from lacuna.training.settings import Judged


class Training(Judged):
    """Settings of train_classifier."""

    architecture: Resnet = Field(
        Resnet(depths=[1, 1, 1, 1], stem_stride=2), description="Widths and depths of the residual network."
    )
    batch_size: PositiveInt = Field(32, description="Images per step.")


class Settings(ClassifierEntry):
    """A residual network as train_classifier makes it."""

    family: Literal["resnet"]
    trained_on: Name | None = Field(None, description="World or labelled source to train on.")
    validated_on: Name | None = Field(None, description="World or labelled source of held-out images.")
    train: Training = Field(Training(), description="Settings of train_classifier, where there is no checkpoint.")
