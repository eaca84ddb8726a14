"""What the configuration says of an AC-GAN."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from lacuna.config.base import problem
from lacuna.config.network_entries import GeneratorEntry
from lacuna.training.settings import Adversarial


class Networks(Adversarial):
    """Both networks of an AC-GAN and how they are trained, but for the classes."""

    sizes: list[PositiveInt] = Field(
        [100, 128, 96, 64, 48],
        min_length=3,
        description="Latent numbers, then channels at 4, 8, 16, ... pixels; images are twice as large as the last map.",
    )
    discriminator_widths: list[PositiveInt] = Field(
        [16, 32, 64, 128, 128, 256],
        min_length=6,
        max_length=6,
        description="Channels of the discriminator's six convolutions (published 16, 32, 64, 128, 256, 512).",
    )
    dropout: float = Field(
        0.5, ge=0, lt=1, description="Share of the discriminator's activations that are set to 0, in steps of 1/256."
    )
    noise: NonNegativeFloat = Field(
        0.0, description="Standard deviation of the noise on the input of each of the discriminator's convolutions."
    )
    images: PositiveInt = Field(
        400_000, description="Real images shown in all, with repeats. Raising it lets a finished training go on."
    )
    batch_size: PositiveInt = Field(20, description="Images per step, a multiple of the classes (published 100).")
    learning_rate: PositiveFloat = Field(0.0002, description="Adam's learning rate, of both networks.")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.5, 0.999], min_length=2, max_length=2, description="Adam's two decay rates."
    )
    ema_half_life: PositiveInt = Field(
        5000, description="Half-life of the running mean of the generator's weights, in real images shown."
    )


class Training(Networks):
    """Settings of train_generator for an AC-GAN."""

    classes: int = Field(
        10, ge=2, description="Number of classes; labels are 0 up to it. The chapel world has ten kinds of scenes."
    )


Group = Annotated[list[NonNegativeInt], Field(min_length=2)]  # labels


class SplitTraining(Networks):
    """What train_generator is told of one network of a generator of classes."""

    classes: Group = Field(description="Labels that it draws.")


class Settings(GeneratorEntry):
    """An AC-GAN: it draws images of a class on demand."""

    has_splits: ClassVar[bool] = True

    family: Literal["acgan"]
    checkpoint: str | list[str] | None = Field(
        None,
        description="Weights file, or of class splits a list, one for each group of classes. Where absent, "
        "train_generator makes it.",
    )
    splits: PositiveInt | Annotated[list[Group], Field(min_length=1)] = Field(
        1,
        description="Class splits: a network of its own for each group of classes, sampled as one generator. Groups "
        "of labels, or into how many equal groups of neighbours the labels are split.",
    )
    train: Training = Training()

    @model_validator(mode="after")
    def _every_class_once(self) -> Self:
        classes = self.train.classes
        if isinstance(self.splits, int):
            if classes % self.splits or classes // self.splits < 2:
                raise problem(
                    f"splits: found {self.splits}, expected equal groups of at least 2 of the {classes} classes"
                )
            return self
        labels = [label for group in self.splits for label in group]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        missed = sorted(set(range(classes)) - set(labels))
        beyond = [label for label in labels if label >= classes]
        for found, what in ((repeated, "repeats"), (missed, "misses"), (beyond, "holds unknown")):
            if found:
                raise problem(f"splits: {what} class {found[0]}, expected each of the classes 0 to {classes - 1} once")
        return self

    def networks(self, name: str) -> dict[str, dict[str, Any]]:
        """One network of the generator's own name; of class splits one for each group, `<name>_split_0` and so on."""
        splits = self.splits
        if isinstance(splits, int):
            size = self.train.classes // splits
            splits = [list(range(first, first + size)) for first in range(0, self.train.classes, size)]
        names = [name] if len(splits) == 1 else [f"{name}_split_{k}" for k in range(len(splits))]
        settings = self.train.given()
        return {part: settings | {"classes": group} for part, group in zip(names, splits, strict=True)}
