"""Distance of two sources: Frechet Segmentation Distance, its parts, its uncertainty, and one verdict per class.

Tables are read once, a few thousand rows at a time, and only classes that any image shows are looked at, so memory does
not grow with the number of images. Shape suffixes: N images, C classes.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from lacuna.areas import verdicts
from lacuna.areas.cautions import resolution_warnings, sample_warnings
from lacuna.areas.frechet import contributions
from lacuna.areas.images_read import image_warnings, num_shared, same_images
from lacuna.areas.sketch import group_size, sketch
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import areas, manifests, moments, tables
from lacuna.formats.moments import SourceMoments
from lacuna.metrics import METRICS
from lacuna.runtime import command, seeds

log = logging.getLogger(__name__)
CHUNK_ROWS = 32_768  # rows in memory at a time: 44 MB at 336 classes


@dataclass(frozen=True)
class Side:
    """One source: where its moments come from, and what the metrics read."""

    source: SourceMoments
    statistics: AreaStatistics


class Job(command.Job):
    """What the stage is told."""

    real_moments: str = Field(description="moments of the real source")
    real_tables: str = Field(description="folder of the real class-area shards")
    real_count: int = Field(description="number of real images")
    real_manifest: str | None = Field(None, description="what the workflow saw of the real images of a user")
    generated_moments: str = Field(description="moments of the generated source")
    generated_tables: str = Field(description="folder of the generated class-area shards")
    generated_count: int = Field(description="number of generated images")
    generated_manifest: str | None = Field(None, description="what the workflow saw of the generated images of a user")
    shard_size: int = Field(description="images per shard")
    settings: Fsd
    seed: int = Field(description="root seed of subsets and permutations")
    summary: str = Field(description="summary to write")
    tsv: str = Field(description="table of classes to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("fsd", Job, __doc__, argv)
    settings = job.settings
    classes, real, generated = read_sides(job)
    categories = list(dict.fromkeys(category for _, category in classes))
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    by_category = {}
    for category in categories:
        rng = seeds.rng(job.seed, "fsd", "category", category)
        one, other = (side.statistics.of_category(category) for side in (real, generated))
        rows |= {(row[0], row[1]): row for row in class_rows(one, other, settings, rng)}
        by_category[category] = {
            name: value for metric in METRICS for name, value in metric.measure(one, other, settings, rng).items()
        }
    chosen = by_category[settings.category]
    sides = {"real": real.source, "generated": generated.source}
    counts = {name: source.moments.count for name, source in sides.items()}
    groups = {name: source.images.num_groups if source.images else None for name, source in sides.items()}
    summary = {
        **chosen,
        "by_category": by_category,
        "unit": "percent",
        "category": settings.category,
        "confidence": settings.confidence,
        "resamples": settings.resamples,
        "seed": job.seed,
        "code": job.code,
        "resolution": resolution(real.source, generated.source),
        "warnings": [
            *sample_warnings(counts, chosen["num_classes"], groups),
            *resolution_warnings(resolution(real.source, generated.source)),
            *image_warnings(real.source.images, generated.source.images),
        ],
        "images": {
            name: source.images.summary() | {"census": manifests.census(getattr(job, f"{name}_manifest"))}
            if source.images
            else None
            for name, source in sides.items()
        },
        "num_shared": num_shared(real.source.images, generated.source.images),
    }
    for warning in summary["warnings"]:
        log.warning(warning)
    log.info("fsd %.4g, real against real %s", summary["fsd"], summary["baseline_fsd"])
    tables.write_tsv(job.tsv, verdicts.COLUMNS, [rows.get(key) or verdicts.absent_row(*key) for key in classes])
    tables.write_json(job.summary, summary)


def read_sides(job: Job) -> tuple[list[tuple[str, str]], Side, Side]:
    """Name and category of all classes, and both sides with the classes that any image shows.

    The moments are read first: they say which classes those are, so that no more of the tables is kept.
    """
    real, generated = (moments.read(path) for path in (job.real_moments, job.generated_moments))
    check_comparable(real, generated, job.settings.category)
    if same_images(real.images, generated.images):  # in another order, their moments differ by rounding
        generated = replace(generated, moments=real.moments)
    shown = np.flatnonzero((real.moments.mean > 0) | (generated.moments.mean > 0))
    size = group_size(real.moments.count, generated.moments.count)
    sides = []
    for name, source in (("real", real), ("generated", generated)):
        rng = seeds.rng(job.seed, "fsd", "table", name)
        path, folder, count = (getattr(job, f"{name}_{what}") for what in ("moments", "tables", "count"))
        shards = checked(areas.read_shards(folder, count, job.shard_size), source, path, folder)
        least_px = job.settings.presence_percent / 100 * source.image_px
        kept = sketch(
            areas.chunks(shards, shown, CHUNK_ROWS), source.moments.count, least_px, 100 / source.image_px, size, rng,
            areas.groups(shard_paths(folder, count, job.shard_size)),
        )  # fmt: skip
        chosen = source.columns(shown)
        found = AreaStatistics(chosen.classes, chosen.categories, chosen.image_px, chosen.moments, kept)
        sides.append(Side(chosen, found))
    return list(zip(real.classes, real.categories, strict=True)), sides[0], sides[1]


def checked(
    shards: Iterable[areas.ClassAreas], source: SourceMoments, path: str, folder: str
) -> Iterator[areas.ClassAreas]:
    """The shards, which must be those that the moments were taken of.

    Raises:
        UserError: they are not.
    """
    problem = f"{path}: moments of other tables than {folder}; delete it and run moments again"
    expected, counted = (source.classes, source.categories, source.image_px), 0
    for shard in shards:
        counted += len(shard.index)
        if (shard.classes, shard.categories, shard.image_px) != expected or counted > source.moments.count:
            raise UserError(problem)
        yield shard
    if counted != source.moments.count:
        raise UserError(problem)


def check_comparable(one: SourceMoments, other: SourceMoments, category: str) -> None:
    """Refuse sides that differ in classes or image size, or that have no class of the category.

    Raises:
        UserError: for any of these.
    """
    if (one.classes, one.categories) != (other.classes, other.categories):
        pairs = zip(one.classes, other.classes, strict=False)
        differ = next((f"{a!r} and {b!r}" for a, b in pairs if a != b), "their number or categories")
        raise UserError(
            f"class lists of {len(one.classes)} real and {len(other.classes)} generated classes differ, first in "
            f"{differ}; segment both sources with one segmenter"
        )
    if one.image_px != other.image_px:
        raise UserError(
            f"real images have {one.image_px} pixels, generated ones {other.image_px}, expected one size; "
            "set the size of segment"
        )
    if category not in one.categories:
        found = ", ".join(dict.fromkeys(one.categories))
        raise UserError(f"fsd.category: {category!r} is not in the tables, which hold {found}; add it to segment.heads")


def class_rows(
    real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """One row per class, in the order of verdicts.COLUMNS."""
    limits = verdicts.Thresholds(settings.omitted_below, settings.changed_by, settings.q_below)
    tests = verdicts.compare_summaries(
        real.summary, generated.summary, real.sketch.groups_GC, generated.sketch.groups_GC, settings.confidence,
        verdicts.deals(len(real.sketch.groups_GC), len(generated.sketch.groups_GC), settings.permutations, rng),
        (real.sketch.size_G, generated.sketch.size_G),
    )  # fmt: skip
    shares = contributions(real.moments, generated.moments).by_class
    return verdicts.rows(real.classes, real.categories, tests, shares, limits)


def resolution(real: SourceMoments, generated: SourceMoments) -> dict[str, Any]:
    """Side in pixels of what was segmented, and lowest and highest shorter side before that; None where not known."""
    return {
        "segmented": round(real.image_px**0.5),
        "real": real.resolutions,
        "generated": generated.resolutions,
    }


if __name__ == "__main__":
    command.run("fsd", main)
