"""What yields images, and what brings files."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator, model_validator

from lacuna.config import grouping
from lacuna.config.base import Name, Section, Share, Unique, problem


class Download(Section):
    """A file that `fetch` brings to resources/."""

    file: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$", description="Path below resources/.")
    urls: list[Annotated[str, Field(pattern="^https?://")]] = Field(
        min_length=1, description="Mirrors, the best one first."
    )
    sha256: str | None = Field(
        None,
        pattern=r"^([0-9a-f]{8}|[0-9a-f]{64})$",
        description="Hash of the file, or its first 8 digits; recorded at the first download where none is given.",
    )
    md5: str | None = Field(
        None, pattern=r"^[0-9a-f]{32}$", description="MD5 of the file, where only that is published."
    )
    unpack: bool | None = Field(
        None, description="Whether the file is a zip file with an LMDB (data.mdb), to be unpacked."
    )


class SourceEntry(Section):
    """What every source may say."""

    kind: str
    count: PositiveInt | None = Field(None, description="Number of images; all that there are where absent.")

    @property
    def drawn_by(self) -> str | None:
        """Name of the generator that it samples; None for any other source."""
        return None

    @property
    def redraws(self) -> str | None:
        """Name of the source whose images it draws again; None for any but samples of such a kind."""
        return None

    @property
    def reading(self) -> dict[str, Any]:
        """How its images are read before they are segmented."""
        keys = ("jpeg_quality", "size", "subset", "background", "stored_size")
        return {key: value for key, value in self.given().items() if key in keys}


class World(SourceEntry):
    """Procedural scenes with exact label maps."""

    kind: Literal["world"]
    count: PositiveInt = Field(description="Number of images.")
    size: int = Field(64, ge=32, le=256, description="Height and width in pixels.")
    seed: NonNegativeInt | None = Field(None, description="Seed of the scenes; the root seed where absent.")
    seen_at: int | None = Field(
        None,
        ge=8,
        description="Pixels that scenes are reduced to before the segmenter's size, by the means of boxes as a "
        "training does, to be compared with generators of so many. It divides `size`. Not where absent.",
    )
    omit: Unique[str] = Field([], description="Objects that are not drawn; nothing else in a scene changes.")
    scale: dict[str, NonNegativeFloat] = Field(
        {}, description="Factor on the expected number of an object per scene, by object."
    )
    scenes: dict[str, NonNegativeFloat] = Field(
        {}, description="Weights of the scene kinds, by kind; the world's own where empty."
    )
    palette: Literal["day", "night"] = Field(
        "day", description="The light of the scenes; nothing else in them changes."
    )
    distort: dict[str, Literal["blur", "scramble", "recolor", "melt"]] = Field(
        {}, description="How objects are spoilt, by object; their outlines and everything else stay as they are."
    )
    distort_strength: Share = Field(1.0, description="How much the objects of `distort` are spoilt; 0 is not at all.")

    @model_validator(mode="after")
    def _seen_in_boxes(self) -> Self:
        if self.seen_at and self.size % self.seen_at:
            raise problem(f"seen_at: found {self.seen_at}, expected a part of its size of {self.size}")
        return self

    @property
    def reading(self) -> dict[str, Any]:
        """Scenes are reduced by the means of boxes, if at all."""
        return {"size": self.seen_at, "boxes": True} if self.seen_at else {}


class Resized(SourceEntry):
    """What may be done to images of any resolution before they are segmented."""

    size: int | None = Field(
        None,
        ge=8,
        description="Pixels that the shorter side is brought to (and the center cropped to) before the segmenter's "
        "size, so that sources of different resolutions can be compared at one. Not where absent.",
    )
    jpeg_quality: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Images go through JPEG at this quality before all else, as real photos have; not where absent.",
    )


class Pictures(SourceEntry):
    """What every source of a user's pictures may say."""

    path: str | None = Field(None, min_length=1, description="Where the pictures are.")
    background: str | None = Field(
        None,
        pattern=r"^(white|black|gray|#[0-9a-fA-F]{6})$",
        description="Color below transparent pixels: white, black, gray or #rrggbb; white where absent. What lies "
        "hidden below them never counts.",
    )
    groups: str | None = Field(
        None,
        min_length=1,
        description="Which images are not independent, as ten photos of one person: parent for those in folders of "
        "one name, else a regular expression with one group, searched for in an image's path below the "
        "source (the key of an LMDB). Intervals, tests and resampling then go by group. All images are "
        "independent where absent.",
    )

    @field_validator("groups")
    @classmethod
    def _one_group(cls, groups: str | None) -> str | None:
        if groups is not None and (found := grouping.problem(groups)):
            raise problem(found)
        return groups


class Subset(Section):
    """Count the images in a random order, as the published code chooses its subsets."""

    seed: NonNegativeInt = Field(description="Seed of the order; 1 as published.")


class Folder(Pictures, Resized):
    """A user's pictures: a folder, an archive, arrays or an LMDB."""

    kind: Literal["folder", "lsun"]
    path: str | None = Field(
        None,
        min_length=1,
        description="Folder (searched recursively), zip or tar file of images in any common format, .npz or .npy of "
        "uint8 (N, H, W, 3), parquet of encoded images, or an LMDB; for lsun the folder with data.mdb, or "
        "`fetch:<name>`. Also `--config <name of the source>=<path>`.",
    )
    stored_size: int | None = Field(
        None,
        ge=8,
        description="Side in pixels of the images to read from an LMDB that holds each at several (StyleGAN ports).",
    )
    subset: Subset | None = Field(
        None, description="Count the images in a random order, as the published code chooses its subsets."
    )


class Labelled(Pictures):
    """A user's pictures with a class each."""

    kind: Literal["labelled"]
    path: str | None = Field(
        None,
        min_length=1,
        description="Folder, zip or tar file with a subfolder of images for each class (labels follow their sorted "
        "names), .npz of images arr_0 and labels arr_1, or parquet with columns image and label. Also "
        "`--config <name of the source>=<path>`.",
    )
    size: int = Field(ge=16, description="Pixels; images are resized (shorter side) and cropped to the center.")


class Samples(Resized):
    """Samples of a generator."""

    kind: Literal["generator"]
    count: PositiveInt | None = Field(None, description="Number of images; those of `latents_of` where absent.")
    generator: Name = Field(description="Name of the generator that is sampled.")
    seed: NonNegativeInt | None = Field(None, description="Seed of z (numpy RandomState); the root seed where absent.")

    latents_of: Name | None = Field(
        None,
        description="For a generator with an encoder of its own, which has no prior: the source whose images are "
        "encoded and drawn again, image i of image i.",
    )

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.count is None and self.latents_of is None:
            raise problem("key 'count' is missing, expected the number of images")
        return self

    @property
    def drawn_by(self) -> str | None:
        """Its generator."""
        return self.generator

    @property
    def redraws(self) -> str | None:
        """The source of its latents."""
        return self.latents_of


class Table(SourceEntry):
    """Class areas that were counted elsewhere."""

    kind: Literal["table"]
    count: PositiveInt = Field(description="Number of images.")
    path: str = Field(
        min_length=1,
        description="Class areas from elsewhere, an .npy or HDF5 file; one row per image, one column per object.",
    )
    dataset: str | None = Field(None, description="Dataset of the HDF5 file; its only table where absent.")
    labels: str | None = Field(
        None,
        description="List of the table's objects: a labels.json, or a text file with one name per line. The "
        "segmenter's list where absent.",
    )
    size: PositiveInt = Field(
        256, description="Height and width in pixels of the images that the areas were counted in."
    )
    unit: Literal["fraction", "percent", "pixels"] = Field(
        "fraction", description="What the values are; a row sums to 1, to 100 or to the pixels of an image."
    )


Source = Annotated[World | Folder | Labelled | Samples | Table, Field(discriminator="kind")]


class ShardSize(Section):
    """Images per job; a setting, never derived from a count."""

    images: PositiveInt = Field(1000, description="Images per shard in render, sample and segment.")
    inversions: PositiveInt = Field(16, description="Images per shard in invert.")
