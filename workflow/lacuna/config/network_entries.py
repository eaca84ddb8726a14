"""What the entry of any network says, whatever its family; a family adds its own in its folder's settings.py."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from lacuna.config.base import Name, Section, problem


class Encoders(Section):
    """Weights files of finished encoders, by part; a part that is not named is trained by train_encoder."""

    encoder: str | None = Field(
        None, description="What the methods layered, layered_z and layered_r start from; ours, or the published file."
    )
    direct: str | None = Field(None, description="What the methods direct and direct_z start from.")


class GeneratorEntry(Section):
    """What every generator may say.

    Attributes:
        has_splits: whether it may consist of several networks, one for each group of classes.
        trained_by: the stage that makes a checkpoint where none is given.
    """

    has_splits: ClassVar[bool] = False
    trained_by: ClassVar[str] = "train_generator"

    family: str
    checkpoint: str | list[str] | None = Field(
        None, description="Weights file. Where absent, train_generator makes it."
    )
    trained_on: Name | None = Field(None, description="Source that the generator has learnt, or learns.")
    encoders: Encoders = Encoders()
    curve: str | None = Field(
        None,
        description="Distance along the training of a given checkpoint, a table that `follow` made; the page shows it "
        "beside those of generators that the workflow trains.",
    )
    optional: bool = Field(
        False,
        description="Whether comparisons and inversions that need this generator are left out, with a line, while its "
        "checkpoint is missing.",
    )

    @field_validator("checkpoint")
    @classmethod
    def _one_file(cls, checkpoint: str | list[str] | None) -> str | list[str] | None:
        if isinstance(checkpoint, list) and not cls.has_splits:
            raise problem("found a list, expected one file; only families with labels have class splits")
        return checkpoint

    @property
    def has_encoder(self) -> bool:
        """Whether its checkpoint holds an encoder, x -> z, too: inversions start there, and none is trained."""
        return False

    @property
    def compared_by(self) -> str | None:
        """Perceptual network that its training compares images by; none for most."""
        return None

    @property
    def draws_classes(self) -> bool:
        """Whether it draws all classes, where its family knows classes."""
        return True

    def networks(self, name: str) -> dict[str, dict[str, Any]]:
        """What is trained for the generator called `name`: name of each network -> its settings."""
        train: Section | None = getattr(self, "train", None)
        return {name: train.given()} if train else {name: {}}

    def usage(self) -> dict[str, Any]:
        """How its samples are drawn, such as `truncation`: what it says beside where its weights come from."""
        origin = {*GeneratorEntry.model_fields, "train", "splits", "validated_on"}
        return {key: value for key, value in self.given().items() if key not in origin}


class SegmenterEntry(Section):
    """What every segmenter may say."""

    family: str
    checkpoint: str | None = Field(None, description="Weights file. Where absent, train_segmenter makes it.")
    size: int | None = Field(
        None,
        ge=32,
        description="Pixels per side that images are brought to for this segmenter, over segment's `size`; those that "
        "it was trained for where neither says any.",
    )
    precision: Literal["float32", "tf32", "bfloat16"] | None = Field(
        None, description="Arithmetic of this network, over segment's `precision`."
    )
    merge: dict[str, list[str]] = Field(
        {},
        description="Objects that count as one, by the name of the whole: `tree: [tree, palm]`. `'*'` in a list stands "
        "for all that no other list names; the whole called '-' is nothing. Objects that no list names stay.",
    )

    def usage(self) -> dict[str, Any]:
        """How it is used: what it says beside where its weights come from."""
        origin = {"family", "checkpoint", "train", "trained_on", "validated_on"}
        return {key: value for key, value in self.given().items() if key not in origin and value not in ({}, [])}


class NamedSegmenterEntry(SegmenterEntry):
    """What a segmenter may say that others have trained, which has a list of objects and no other category."""

    labels: list[str] | str | None = Field(
        None,
        description="Names of its classes in the order of its channels, or a text file with a name a line; the "
        "checkpoint's own where absent.",
    )


Three = Annotated[list[float], Field(min_length=3, max_length=3)]


class ProgramEntry(NamedSegmenterEntry):
    """What is said of a segmenter that is a program: an image in, logits or labels of it out.

    What it does not say of names, size, mean and deviation is taken from config.json and preprocessor_config.json
    beside the file, where they are there.
    """

    layout: Literal["NCHW", "NHWC"] = Field("NCHW", description="Axes of the images that it takes.")
    channels: Literal["RGB", "BGR"] = Field("RGB", description="Order of the colours.")
    highest: Literal[1, 255] = Field(1, description="What white is, before mean and deviation.")
    mean: Three | None = Field(
        None, description="Subtracted from the colours, on the scale of `highest`; ImageNet's where absent."
    )
    std: Three | None = Field(None, description="What the colours are then divided by; ImageNet's where absent.")


class ClassifierEntry(Section):
    """What every classifier may say."""

    family: str
    checkpoint: str | None = Field(None, description="Weights file. Where absent, train_classifier makes it.")
