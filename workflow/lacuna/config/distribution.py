"""Sampling, segmenting, and comparing class areas."""

from typing import Annotated, Literal, cast

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from lacuna.config.base import Category, Level, Name, Section, Share, Unique


class Sample(Section):
    """How generators are sampled."""

    batch_size: PositiveInt = Field(50, description="Images per batch.")


class Segment(Section):
    """How images are segmented."""

    size: int | None = Field(
        None,
        ge=32,
        description="Pixels per side that all images are brought to; those that the segmenter was trained for where "
        "absent.",
    )
    heads: Unique[Category] = Field(["object"], min_length=1, description="Categories to compute and to keep.")
    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        "float32",
        description="Arithmetic of the network. tf32 (GPUs) and bfloat16 (GPUs, and CPUs with AMX) are faster and "
        "change labels where two classes are close; `make bench` measures how many.",
    )
    batch_size: PositiveInt = Field(50, description="Images per batch.")


class Regions(Section):
    """What is kept of the connected regions of each class, so that it can be seen how the class looks."""

    least_percent: float = Field(
        0.2, ge=0, le=100, description="Smaller regions are specks and do not count; percent of the image."
    )
    join: NonNegativeInt = Field(0, description="Regions of a class at most so many pixels apart count as one.")
    features: PositiveInt = Field(
        500, description="Regions of each class of a source whose features are compared, from as many images, at most."
    )
    crops: PositiveInt = Field(64, description="Regions of each class that are kept as pictures, likewise.")
    maps: int = Field(
        2,
        ge=1,
        le=4,
        description="Finest maps of the segmenter's backbone whose means under a region are its features, beside the "
        "mean and deviation of its own colors. Coarse maps see little of how a region is drawn.",
    )


class Appearance(Section):
    """Does a class look like itself?"""

    confidence: Level = Field(0.95, description="Level of every interval.")
    permutations: PositiveInt = Field(9999, description="Permutations of the test on features.")
    area_tolerance: PositiveFloat = Field(
        0.15, description="Regions are compared in pairs whose areas differ by at most this share."
    )
    altered_by: NonNegativeFloat = Field(
        0.01,
        description="A class is alike while its distance is under this, and altered beyond; in units of the variance "
        "of the looks of real regions, so that 0.01 is a tenth of their standard deviation.",
    )
    q_below: Share = Field(0.05, description="False discovery rate under which a difference counts.")


class Fsd(Section):
    """Distance and verdicts."""

    category: Category = Field("object", description="Classes that the distance and the verdicts are about.")
    presence_percent: float = Field(
        0.2,
        ge=0,
        le=100,
        description="A class is present in an image where it covers more than this; percent of the image.",
    )
    confidence: Level = Field(0.95, description="Level of every interval.")
    resamples: int = Field(200, ge=2, description="Subsets drawn for intervals and baseline.")
    permutations: PositiveInt = Field(9999, description="Permutations of the test on areas, at most.")
    omitted_below: NonNegativeFloat = Field(
        0.2, description="A class is omitted when the upper bound of its presence ratio is under this."
    )
    changed_by: NonNegativeFloat = Field(
        0.1,
        description="A class is kept while its relative area changes by less than this; reduced or in excess beyond.",
    )
    q_below: Share = Field(0.05, description="False discovery rate under which a change counts.")
    adjust: Literal["bh", "maxt"] = Field(
        "bh",
        description="How q is corrected for the number of classes: `bh` keeps the share of false claims under q_below "
        "(Benjamini and Hochberg), `maxt` the chance of any false claim, which is stricter (Westfall and Young; it "
        "holds however areas depend on each other). fsd_by_class always takes `bh`.",
    )


class Comparison(Section):
    """Two sources whose class areas are compared."""

    real: Name = Field(description="Source of real images.")
    generated: Name = Field(description="Source of generated images.")
    segmenter: Name = Field(
        default=cast(str, None),  # shorthand has filled it in where it could
        description="The segmenter that measures both; the one named at the top, or the only one, where absent.",
    )
    paired: bool = Field(
        False,
        description="Whether the generated images answer the real ones: image i was drawn from the caption of a photo. "
        "Its generator then has `prompts`.",
    )
    fsd: Fsd | None = Field(None, description="What this comparison alone has otherwise than the section fsd.")


class Agreement(Section):
    """Two sources that several segmenters measure, and what each two of these agree on.

    `segmenters: [a, b]` in a comparison is short for a comparison by each of them and such an entry.
    """

    real: Name = Field(description="Source of real images.")
    generated: Name = Field(description="Source of generated images.")
    segmenters: Unique[Name] = Field(min_length=2, description="Segmenters, of which every two are held side by side.")
    synonyms: dict[str, str] = Field(
        {}, description="Classes that mean the same under other names: one segmenter's name -> the later one's."
    )
    count: int = Field(500, ge=2, description="Images of each side whose pixels are labelled by both, at most.")


class Contrast(Section):
    """Two generated sources that are compared with the same real one: is B nearer to it than A?"""

    real: Name = Field(description="Source of real images.")
    a: Name = Field(description="Generated source, compared with `real` in `comparisons`.")
    b: Name = Field(description="Another one, likewise.")
    segmenter: Name = Field(
        default=cast(str, None),
        description="The segmenter of both comparisons; the one named at the top, or the only one, where absent.",
    )


class Follow(Section):
    """Distance of a generator's snapshots to the real images that it is compared with, along its training."""

    count: int = Field(1000, ge=2, description="Images of each snapshot.")


class Calibrate(Section):
    """Error rates of the verdicts on omissions that are planted. Nothing is done where no segmenter is named."""

    source: Name | None = Field(
        None, description="World source that is the pool of scenes; at least twice the largest of `counts`."
    )
    segmenters: Unique[Name] = Field([], description="Segmenters in the loop, by name.")
    objects: Unique[str] = Field(
        [], description="Objects to leave out, one at a time; all that the world can leave out where empty."
    )
    strengths: Unique[Share] = Field(
        [0.0, 0.25, 0.5, 0.8, 1.0],
        min_length=1,
        description="Shares of its scenes that an object is left out of; at 0 nothing changes.",
    )
    counts: Unique[Annotated[int, Field(ge=12)]] = Field(
        [500, 2000, 8000], min_length=1, description="Images per side."
    )
    comparisons: PositiveInt = Field(20, description="Comparisons per object, strength and count.")
    null_comparisons: PositiveInt = Field(200, description="Comparisons per count under no change.")
    permutations: PositiveInt = Field(
        999, description="Permutations per comparison, in place of fsd's; with 15 classes 999 let q fall to 0.015."
    )
