"""AC-GAN's evaluation of generators with classes."""

from pydantic import Field, PositiveInt

from lacuna.config.base import Level, Name, Section, Share


class Conditional(Section):
    """A source of generated images with classes, and the real one that it is judged against."""

    real: Name = Field(description="Source of real images with labels, held out from the generator's training.")
    generated: Name = Field(description="Source of generated images with labels.")
    classifier: Name = Field(description="The classifier that judges both.")
    training: Name | None = Field(
        None, description="Source of the generator's training images, for overfit; where absent, its `trained_on`."
    )
    segmenter: Name | None = Field(
        None, description="Segmenter for the distance and the missing objects within each class; none where absent."
    )


class Discriminate(Section):
    """Accuracy of a classifier on conditional generators."""

    subsets: int = Field(
        10,
        ge=2,
        description="Disjoint subsets of images whose accuracies give the spread; also groups of the inception score.",
    )
    confidence: Level = Field(0.95, description="Level of every interval.")
    indistinct_below: Share = Field(
        0.5,
        description="A class is indistinct when the upper bound of its accuracy is under this share of the real one.",
    )
    batch_size: PositiveInt = Field(100, description="Images per batch.")


class Diversity(Section):
    """Similarity of pairs of images within a class."""

    pairs: PositiveInt = Field(100, description="Random pairs per class.")
    confidence: Level = Field(0.95, description="Level of the interval of a class's mean.")
    low_accuracy: Share = Field(
        0.5, description="A class counts as not recognized up to this accuracy (the paper's 0.01, of 1000 classes)."
    )


class Overfit(Section):
    """Nearest training images of samples, and walks through z."""

    samples: PositiveInt = Field(
        100, description="First samples, and as many held-out images, whose nearest training images are looked for."
    )
    neighbours: PositiveInt = Field(3, description="Training images per sample.")
    steps: int = Field(8, ge=2, description="Images of a walk between two z.")
    latents: PositiveInt = Field(6, description="Latent vectors that are shown in every class.")
