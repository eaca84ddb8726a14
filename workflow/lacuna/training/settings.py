"""What the configuration says of a training, whatever the family."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from lacuna.config.base import Precision, Section


class Judged(Section):
    """Settings of a training that is judged on held-out images."""

    images: PositiveInt = Field(80_000, description="Training images shown, with repeats.")
    batch_size: PositiveInt = Field(16, description="Images per step.")
    learning_rate: PositiveFloat = Field(0.003, description="Highest learning rate of AdamW's one cycle.")
    weight_decay: NonNegativeFloat = Field(0.0001, description="AdamW's weight decay.")
    precision: Precision = "auto"
    log_interval: PositiveInt = Field(
        4000, description="Images shown between two rows of the log, each with scores on held-out images."
    )


class Stage(Section):
    """One image size of a growing GAN."""

    size: PositiveInt = Field(description="Height and width in pixels.")
    images: PositiveInt = Field(description="Real images shown at this size.")
    fade: NonNegativeInt = Field(description="Of these, how many while the size is blended in.")


class Adversarial(Section):
    """Settings of train_generator, whatever the family."""

    images: PositiveInt = Field(
        256_768, description="Real images shown in all, with repeats. Raising it lets a finished training go on."
    )
    batch_size: PositiveInt = Field(16, description="Images per step.")
    learning_rate: PositiveFloat = Field(0.002, description="Adam's learning rate, of both networks.")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.0, 0.99], min_length=2, max_length=2, description="Adam's two decay rates."
    )
    ema_half_life: PositiveInt = Field(
        10_000, description="Half-life of the running mean of the generator's weights, in real images shown."
    )
    precision: Precision = "auto"
    log_interval: PositiveInt = Field(2000, description="Real images shown between two rows of the log.")
    sheet_interval: PositiveInt = Field(
        10_000, description="Real images shown between two sheets of samples, each beside the weights that drew it."
    )


class GanTraining(Adversarial):
    """Settings of train_generator."""

    sizes: list[PositiveInt] = Field(
        [128, 128, 128, 64, 32, 16], min_length=3, description="Latent numbers, then channels at 4, 8, 16, ... pixels."
    )
    schedule: list[Stage] = Field(
        [
            Stage(size=8, images=60000, fade=0),
            Stage(size=16, images=45000, fade=20000),
            Stage(size=32, images=60000, fade=15000),
            Stage(size=64, images=100000, fade=15000),
        ],
        min_length=1,
        description="Image sizes in the order of growing; the last one goes on until all images are shown.",
    )
    loss: Literal["logistic", "wasserstein"] = Field(
        "logistic",
        description="logistic: non-saturating, with a penalty on the gradient at real images (R1), as StyleGAN; "
        "wasserstein: with a penalty on the gradient between real and generated images, as WGAN-GP and "
        "the published ProGAN.",
    )
    critic_steps: PositiveInt = Field(
        1, description="Steps of the discriminator for each of the generator. WGAN-GP was published with 5."
    )
    gradient_penalty: NonNegativeFloat = Field(
        10.0, description="Weight of the gradient penalty of the wasserstein loss."
    )
    drift: NonNegativeFloat = Field(
        0.001, description="Weight of the squared scores of real images in the wasserstein loss."
    )
    r1: NonNegativeFloat = Field(
        5.0, description="Weight of the gradient penalty of the logistic loss (R1, on real images)."
    )
    r1_interval: PositiveInt = Field(16, description="Steps from one R1 penalty to the next.")
