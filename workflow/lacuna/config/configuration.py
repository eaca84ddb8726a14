"""The configuration as a whole: its sections, and what makes one of what a user wrote.

The models are the only home of defaults; workflow/schemas/config.schema.json and docs/configuration.md are written from
them. All that is wrong is reported at once, one line for each problem.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, NonNegativeInt, ValidationError

from lacuna import families
from lacuna.config import files, jobs, published, references, shorthand
from lacuna.config.base import Name, Section, Unique, lines
from lacuna.config.conditional import Conditional, Discriminate, Diversity, Overfit
from lacuna.config.distribution import (
    Agreement,
    Appearance,
    Calibrate,
    Comparison,
    Contrast,
    Follow,
    Fsd,
    Regions,
    Sample,
    Segment,
)  # fmt: skip
from lacuna.config.inversion import Inversion, Invert, Omissions, Perceptual, TrainEncoder
from lacuna.config.network_entries import ClassifierEntry, GeneratorEntry, SegmenterEntry
from lacuna.config.sources import Download, ShardSize, Source
from lacuna.errors import UserError

if TYPE_CHECKING:  # what is common to all families
    Generator = GeneratorEntry
    Segmenter = SegmenterEntry
    Classifier = ClassifierEntry
else:
    Generator, Segmenter, Classifier = (
        Annotated[Union[tuple(families.settings(kind))], Field(discriminator="family")]  # noqa: UP007
        for kind in ("generators", "segmenters", "classifiers")
    )


class Configuration(Section):
    """Every key of config.yaml and of the overlays in experiments/."""

    seed: NonNegativeInt = Field(description="Root seed; every job derives its own from it and from what the job is.")
    report: Name = Field(description="Name of the page, results/report/<name>.html.")
    device: Literal["auto", "cpu"] = Field(
        "auto",
        description="auto computes on the GPU that a job has, and on the CPU where it has none; a job that was given "
        "a GPU and cannot use it stops. cpu means the CPU in any case. Changing it computes nothing "
        "again.",
    )
    deterministic: bool = Field(
        False,
        description="Equal bits in every run on a GPU too, at a cost in time: CUDA then uses only kernels that add up "
        "in one order. CPUs do so anyway. Changing it computes nothing again.",
    )
    downloads: dict[Name, Download] = Field(
        {},
        description="Files that fetch brings to resources/, by name; `fetch:<name>` stands for such a file, or for "
        "one of workflow/published.yaml, wherever a checkpoint or path is asked for.",
    )
    sources: dict[Name, Source] = Field(description="What yields images, by name.")
    segmenters: dict[Name, Segmenter] = Field(description="Networks that label pixels, by name.")
    generators: dict[Name, Generator] = Field({}, description="Generators as chains of named layers, by name.")
    perceptual: dict[Name, Perceptual] = Field(
        {},
        description="Networks whose features an inversion compares, by name; where none is named, the segmenter's "
        "backbone.",
    )
    segmenter: Name | None = Field(
        None,
        description="Segmenter of the comparisons and inversions that name none; where absent, the only one there is.",
    )
    classifiers: dict[Name, Classifier] = Field(
        {}, description="Fixed judges that name the class of an image, by name."
    )
    conditional: list[Conditional] = Field(
        [], description="Sources of generated images with classes, and the real ones that they are judged against."
    )
    class_counts: Unique[Name] = Field(
        [],
        description="Generated sources of `conditional`, of the same architecture trained on different numbers of "
        "classes, whose shared classes the report compares.",
    )
    truth: Unique[Name] = Field(
        [],
        description="World sources, real sides of comparisons, whose exact labels what the segmenter sees is held "
        "against: the rate of every object, and the segmenter's own part in the distance.",
    )
    follow: Follow = Follow()
    comparisons: list[Comparison] = Field([], description="Pairs of sources whose class areas are compared.")
    agreements: list[Agreement] = Field([], description="Comparisons by several segmenters, held side by side.")
    contrasts: list[Contrast] = Field(
        [], description="Pairs of generated sources: which of both is nearer to the real one, and which classes differ."
    )
    inversions: list[Inversion] = Field(
        [], description="Images of a source that a generator's later layers are asked to draw."
    )
    shard_size: ShardSize = ShardSize()
    sample: Sample = Sample()
    segment: Segment = Segment()
    regions: Regions = Regions()
    fsd: Fsd = Fsd()
    appearance: Appearance = Appearance()
    calibrate: Calibrate = Calibrate()
    discriminate: Discriminate = Discriminate()
    diversity: Diversity = Diversity()
    overfit: Overfit = Overfit()
    train_encoder: TrainEncoder = TrainEncoder()
    invert: Invert = Invert()
    omissions: Omissions = Omissions()

    def searches(self) -> Iterator[tuple[str, Invert]]:
        """Key path and settings of every search that an inversion may go by."""
        yield "invert", self.invert
        for number, entry in enumerate(self.inversions):
            if entry.invert:
                yield f"inversions.{number}.invert", entry.invert


def check_config(
    config: Mapping[str, Any],
    where: str = "config.yaml",
    typed: Sequence[str] = (),
    exists: Callable[[str], bool] | None = None,
) -> Configuration:
    """The configuration with defaults filled in.

    Args:
        config: as Snakemake has read it.
        typed: words of `--config` on the command line.
        exists: whether a file is there; files are not looked for where None.

    Raises:
        UserError: one line for each thing that is wrong: file, key path, found, expected.
    """
    given = shorthand.written_out(config, typed, Configuration.model_fields)
    given, unknown = published.resolved(given)
    given, outdated = shorthand.without_old_keys(given)
    try:
        found = Configuration.model_validate(given)
    except ValidationError as error:
        refuse(where, itertools.chain(outdated, lines(error, Configuration, given), unknown))
        raise
    refuse(where, itertools.chain(outdated, unknown, references.problems(found), files.problems(found, exists)))
    refuse(where, jobs.problems(found))
    return found


def refuse(where: str, problems: Iterable[str]) -> None:
    """Raise a UserError that holds all of the problems, if there is any."""
    found = list(dict.fromkeys(problems))
    if len(found) == 1:
        raise UserError(f"{where}: {found[0]}")
    if found:
        raise UserError("\n  ".join([f"{where}: {len(found)} problems", *found]))
