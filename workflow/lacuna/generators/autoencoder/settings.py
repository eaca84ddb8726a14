"""What the configuration says of an autoencoder and its training."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from lacuna.config.base import Name, Section, Unique
from lacuna.config.network_entries import GeneratorEntry
from lacuna.training.settings import Judged


class Architecture(Section):
    """Widths and depths of the AutoencoderKL that train_autoencoder makes."""

    widths: list[PositiveInt] = Field(
        [16, 32, 64, 96],
        min_length=1,
        description="Channels at full size, at half of it, ...; a latent stands for 2^(n - 1) pixels per side.",
    )
    layers: PositiveInt = Field(1, description="Residual blocks of the encoder at each size; the decoder has one more.")
    latent_channels: PositiveInt = Field(4, description="Channels of the latent.")
    groups: PositiveInt = Field(8, description="Groups of channels that are normalized together; divides all widths.")


class Adversary(Section):
    """A discriminator that looks at patches of images and reconstructions."""

    weight: NonNegativeFloat = Field(0.0, description="Weight of its loss for the autoencoder; 0 for none.")
    start: NonNegativeInt = Field(20_000, description="Images shown before it plays.")
    width: PositiveInt = Field(32, description="Channels of its first layer; twice as many in each later one.")
    learning_rate: PositiveFloat = Field(0.0005, description="Adam's learning rate.")
    r1: NonNegativeFloat = Field(1.0, description="Weight of the penalty on its gradient at real images.")
    r1_interval: PositiveInt = Field(16, description="Steps from one such penalty to the next.")


class Training(Judged):
    """Settings of train_autoencoder."""

    architecture: Architecture = Architecture()
    learning_rate: PositiveFloat = Field(0.001, description="Highest learning rate of AdamW's one cycle.")
    perceptual: Name | None = Field(None, description="Perceptual network that images are compared by; none if absent.")
    lambda_pixel: NonNegativeFloat = Field(1.0, description="Weight of the L1 error of pixels.")
    lambda_perceptual: NonNegativeFloat = Field(0.5, description="Weight of the L1 error of perceptual features.")
    lambda_kl: NonNegativeFloat = Field(
        0.0001, description="Weight of the divergence of a latent number from a standard normal."
    )
    feature_levels: Unique[NonNegativeInt] = Field(
        [0, 1, 2, 3], description="Maps of the perceptual network that count, from 0, the finest."
    )
    adversary: Adversary = Adversary()


class Settings(GeneratorEntry):
    """An autoencoder: its decoder is the generator, its encoder what inversion starts from."""

    trained_by: ClassVar[str] = "train_autoencoder"

    family: Literal["autoencoder"]
    checkpoint: str | None = Field(
        None,
        description="Folder of an autoencoder, or of a pipeline that has one, as diffusers saves it (safetensors); or "
        "a file of train_autoencoder, which makes it where absent.",
    )
    size: Annotated[int, Field(ge=8)] | None = Field(
        None,
        description="Height and width of the images in pixels, a multiple of what a latent stands for; where absent, "
        "the sample_size that the checkpoint names.",
    )
    validated_on: Name | None = Field(None, description="Source of held-out images that a training is judged on.")
    train: Training = Training()

    @property
    def has_encoder(self) -> bool:
        """Always."""
        return True

    @property
    def compared_by(self) -> str | None:
        """The one that its training names."""
        return self.train.perceptual
