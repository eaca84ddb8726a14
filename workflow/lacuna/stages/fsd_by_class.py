"""Which objects are missing in which class: the distance and a verdict an object, within each class of images.

The class-area tables are those of `segment`; the classes are the labels of the images that the tables were made of.

Shape suffixes: N images, C classes of the segmenter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas import verdicts
from lacuna.areas.clusters import clustered
from lacuna.areas.frechet import contributions, frechet
from lacuna.areas.moments import of_rows
from lacuna.config.distribution import Fsd
from lacuna.errors import UserError
from lacuna.formats import areas, tables
from lacuna.formats.images import ImageShards
from lacuna.runtime import command, seeds

FEWEST_IMAGES = 2  # of a class on either side: below, there is no covariance


@dataclass(frozen=True)
class Within:
    """What is found within one class of images: the distance and its parts, and for each object tests and its share."""

    distance: dict[str, float]
    tests: verdicts.ClassTests
    contribution_C: NDArray[np.float64]


class Job(command.Job):
    """What the stage is told."""

    real_tables: str = Field(description="folder of the real class-area shards")
    real_images: list[str] = Field(description="image shards, which hold the labels")
    real_count: int
    generated_tables: str = Field(description="folder of the generated class-area shards")
    generated_images: list[str] = Field(description="image shards, which hold the labels")
    generated_count: int
    shard_size: int = Field(description="images per shard")
    settings: Fsd
    seed: int = Field(description="root seed of the permutations")
    tsv: str = Field(description="table of classes and objects to write")
    summary: str = Field(description="summary to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("fsd_by_class", Job, __doc__, argv)
    settings = job.settings
    real, real_label_N = labelled(job.real_tables, job.real_count, job.shard_size, job.real_images)
    generated, generated_label_N = labelled(
        job.generated_tables, job.generated_count, job.shard_size, job.generated_images
    )
    if (real.classes, real.image_px) != (generated.classes, generated.image_px):
        raise UserError(
            f"{job.generated_tables}: other classes or image size than {job.real_tables}, expected one segmenter and "
            "one size"
        )
    columns = objects(real, settings.category)
    by_label: dict[int, Within] = {}
    for label in np.unique(generated_label_N).tolist():
        one, other = (
            of_class(table, label_N == label)
            for table, label_N in ((real, real_label_N), (generated, generated_label_N))
        )
        for side, found in (("real", one), ("generated", other)):
            if len(found.index) < FEWEST_IMAGES:
                raise UserError(f"class {label}: {len(found.index)} {side} images, expected at least {FEWEST_IMAGES}")
        by_label[label] = compared(one, other, columns, settings, seeds.rng(job.seed, "fsd_by_class", label))
    names = [real.classes[column] for column in columns]
    tables.write_tsv(job.tsv, ("label", *verdicts.COLUMNS), rows(by_label, names, settings))
    distances = {str(label): within.distance for label, within in by_label.items()}
    tables.write_json(job.summary, {"by_label": distances, "unit": "percent", "seed": job.seed, "code": job.code})


def labelled(
    folder: str, count: int, shard_size: int, images: Sequence[str | Path]
) -> tuple[areas.ClassAreas, NDArray[np.int64]]:
    """The tables of one source as one, and the label of each of its rows."""
    shards = list(areas.read_shards(folder, count, shard_size))
    with ImageShards(images) as found:
        if "label" not in found:
            raise UserError(f"{images[0]}: no labels, expected a source with classes")
        label_of = dict(zip(found.index.tolist(), found.read("label", slice(None)).tolist(), strict=True))
    index_N = np.concatenate([shard.index for shard in shards])
    table = areas.ClassAreas(
        np.concatenate([shard.area_px for shard in shards]), index_N, shards[0].classes, shards[0].categories,
        shards[0].image_px,
        group=None if shards[0].group is None else np.concatenate([shard.group for shard in shards]),
    )  # fmt: skip
    return table, np.array([label_of[index] for index in index_N.tolist()])


def of_class(table: areas.ClassAreas, chosen_N: NDArray[np.bool_]) -> areas.ClassAreas:
    """The rows of one class."""
    group_N = None if table.group is None else table.group[chosen_N]
    return replace(table, area_px=table.area_px[chosen_N], index=table.index[chosen_N], group=group_N)


def objects(table: areas.ClassAreas, category: str) -> list[int]:
    """Columns of the classes of one category.

    Raises:
        UserError: there are none.
    """
    found = [column for column, its in enumerate(table.categories) if its == category]
    if not found:
        raise UserError(f"fsd.category: {category!r} is not in the tables; add it to segment.heads")
    return found


def compared(
    real: areas.ClassAreas,
    generated: areas.ClassAreas,
    columns: Sequence[int],
    settings: Fsd,
    rng: np.random.Generator,
) -> Within:
    """The distance of the configured category within one class of images, and the tests of its objects."""
    one, other = (side.area_px[:, columns] for side in (real, generated))
    unit, least_px = 100 / real.image_px, settings.presence_percent / 100 * real.image_px
    moments = [of_rows(areas_NC, unit) for areas_NC in (one, other)]
    found = frechet(*moments)
    sides = clustered(one, least_px, real.group), clustered(other, least_px, generated.group)
    tests = verdicts.compare_clusters(*sides, unit, settings.confidence, settings.permutations, rng)
    distance = {
        "fsd": found.fsd, "mean_term": found.mean_term, "covariance_term": found.covariance_term,
        "num_real": len(one), "num_generated": len(other),
    }  # fmt: skip
    return Within(distance, tests, contributions(*moments).by_class)


def rows(by_label: Mapping[int, Within], names: Sequence[str], settings: Fsd) -> Iterator[tuple[Any, ...]]:
    """A row for each label and object; q is corrected over all of them, since a reader looks at all of them."""
    limits = verdicts.Thresholds(settings.omitted_below, settings.changed_by, settings.q_below)
    categories = [settings.category] * len(names)
    family = verdicts.one_family([within.tests for within in by_label.values()])
    for (label, within), tests in zip(by_label.items(), family, strict=True):
        for row in verdicts.rows(names, categories, tests, within.contribution_C, limits):
            yield (label, *row)


if __name__ == "__main__":
    command.run("fsd_by_class", main)
