"""Distance of two sources: Frechet Segmentation Distance, its parts, its uncertainty, and a verdict a class.

Tables are read once, a few thousand rows at a time, and only classes that any image shows are looked at, so memory does
not grow with the number of images. Shape suffixes: N images, C classes.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from lacuna.areas import resampling, verdicts
from lacuna.areas.cautions import resolution_warnings, sample_warnings
from lacuna.areas.frechet import Contributions, contributions, frechet
from lacuna.areas.images_read import image_warnings, num_shared, same_images
from lacuna.areas.intervals import ClassSummary
from lacuna.areas.neighbours import image_statistics
from lacuna.areas.sketch import Sketch, group_size, sketch
from lacuna.config.distribution import Fsd
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import areas, manifests, moments, tables
from lacuna.formats.moments import SourceMoments
from lacuna.runtime import command, seeds

log = logging.getLogger(__name__)
HEAVIEST_PAIRS = 20
CURVE_SUBSETS = 48  # distances averaged in a point of the curve over sample sizes
CHUNK_ROWS = 32_768  # rows in memory at a time: 44 MB at 336 classes
SAMPLE_SIZE_NAMES = (
    "fsd_infinity", "fsd_infinity_low", "fsd_infinity_high", "baseline_fsd", "baseline_low", "baseline_high",
    "baseline_num", "fsd_at_baseline_num",
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One source: its moments, and what is kept of its table, both of the same classes in the same order."""

    source: SourceMoments
    sketch: Sketch

    @property
    def summary(self) -> ClassSummary:
        """Mean, variance and presence of each class."""
        if self.sketch.clusters:
            return self.sketch.clusters.summary(100 / self.source.image_px)
        found = self.source.moments
        # One image says nothing of spread: no interval, no claim.
        variance_C = found.cov.diagonal() if found.count > 1 else np.full(len(found.mean), np.nan)
        return ClassSummary(found.count, found.mean, variance_C, self.sketch.present_C)

    def of_category(self, category: str) -> "Side":
        """The same with the classes of one category."""
        chosen = np.flatnonzero(np.array(self.source.categories) == category)
        return Side(self.source.columns(chosen), self.sketch.columns(chosen))


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
        one, other = real.of_category(category), generated.of_category(category)
        shares = contributions(one.source.moments, other.source.moments)
        rows |= {(row[0], row[1]): row for row in class_rows(one, other, shares, settings, rng)}
        by_category[category] = {
            **distance(one, other, shares),
            **sample_sizes(one, other, settings, rng),
            **image_statistics(
                one.sketch.sample_SC, other.sketch.sample_SC, one.source.image_px, settings.confidence, rng
            ),
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
        sides.append(Side(source.columns(shown), kept))
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


def distance(real: Side, generated: Side, shares: Contributions) -> dict[str, Any]:
    """The distance of one category and the pairs of classes that weigh most in its covariance term."""
    names = real.source.classes
    return {
        **asdict(frechet(real.source.moments, generated.source.moments)),
        "num_real": real.source.moments.count,
        "num_generated": generated.source.moments.count,
        "num_classes": len(names),
        "class_pairs": [
            {"classes": [names[i], names[j]], "contribution": value}
            for i, j, value in shares.heaviest_pairs(HEAVIEST_PAIRS)
        ],
    }


def class_rows(
    real: Side, generated: Side, shares: Contributions, settings: Fsd, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """One row per class, in the order of verdicts.COLUMNS."""
    limits = verdicts.Thresholds(settings.omitted_below, settings.changed_by, settings.q_below)
    tests = verdicts.compare_summaries(
        real.summary, generated.summary, real.sketch.groups_GC, generated.sketch.groups_GC, settings.confidence,
        verdicts.deals(len(real.sketch.groups_GC), len(generated.sketch.groups_GC), settings.permutations, rng),
        (real.sketch.size_G, generated.sketch.size_G),
    )  # fmt: skip
    return verdicts.rows(real.source.classes, real.source.categories, tests, shares.by_class, limits)


def sample_sizes(real: Side, generated: Side, settings: Fsd, rng: np.random.Generator) -> dict[str, Any]:
    """Baseline, extrapolation and the curve over sample sizes; nothing where a side has too few images."""
    one, other = real.sketch.blocks, generated.sketch.blocks
    if one is None or other is None:
        return dict.fromkeys(SAMPLE_SIZE_NAMES) | {"sample_sizes": []}
    splits = max(settings.resamples // 2, 1)
    infinite = resampling.extrapolate(
        frechet(real.source.moments, generated.source.moments).fsd,
        resampling.part_distances(one, other, 2, splits, rng),
        resampling.part_distances(one, other, 3, -(-splits // 3), rng),
        settings.confidence,
    )
    base = resampling.baseline(one, other, splits, rng, settings.confidence)
    numbers = (infinite.fsd, infinite.low, infinite.high, base.baseline, base.low, base.high, base.num_images, base.fsd)
    curve = resampling.sample_size_curve(one, other, CURVE_SUBSETS, rng)
    return dict(zip(SAMPLE_SIZE_NAMES, numbers, strict=True)) | {"sample_sizes": [asdict(point) for point in curve]}


def resolution(real: SourceMoments, generated: SourceMoments) -> dict[str, Any]:
    """Side in pixels of what was segmented, and lowest and highest shorter side before that; None where not known."""
    return {
        "segmented": round(real.image_px**0.5),
        "real": real.resolutions,
        "generated": generated.resolutions,
    }


if __name__ == "__main__":
    command.run("fsd", main)
