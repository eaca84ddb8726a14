"""Distance of two sources: Frechet Segmentation Distance, its parts, its uncertainty, and one verdict per class.

Tables are read once, a few thousand rows at a time, and only classes that any image shows are looked at, so memory does
not grow with the number of images. Shape suffixes: N images, C classes.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from lacuna.areas import verdicts
from lacuna.areas.cautions import resolution_warnings, sample_warnings
from lacuna.areas.frechet import contributions
from lacuna.areas.images_read import image_warnings, num_shared
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.formats import manifests, tables
from lacuna.formats.moments import SourceMoments
from lacuna.formats.sides import Files, read_sides
from lacuna.metrics import METRICS
from lacuna.runtime import command, seeds

log = logging.getLogger(__name__)


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
    files = [Files.of(job, name) for name in ("real", "generated")]
    classes, (real, generated) = read_sides(files, settings, job.seed, "fsd")
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


def class_rows(
    real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """One row per class, in the order of verdicts.COLUMNS."""
    limits = verdicts.Thresholds(settings.omitted_below, settings.changed_by, settings.q_below)
    tests = verdicts.compare_summaries(
        real.summary, generated.summary, real.sketch.groups_GC, generated.sketch.groups_GC, settings.confidence,
        verdicts.deals(len(real.sketch.groups_GC), len(generated.sketch.groups_GC), settings.permutations, rng),
        (real.sketch.size_G, generated.sketch.size_G), settings.adjust,
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
