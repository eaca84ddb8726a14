"""Which of two generated sources is nearer to a real one, and which classes one of both shows more of."""

import logging
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from lacuna.areas import contrast
from lacuna.areas.cautions import sample_warnings
from lacuna.areas.frechet import frechet
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.formats import tables
from lacuna.formats.sides import Files, read_sides
from lacuna.runtime import command, seeds

log = logging.getLogger(__name__)
SIDES = ("real", "a", "b")


class Job(command.Job):
    """What the stage is told."""

    real_moments: str = Field(description="moments of the real source")
    real_tables: str = Field(description="folder of its class-area shards")
    real_count: int = Field(description="number of its images")
    a_moments: str = Field(description="moments of the generated source A")
    a_tables: str = Field(description="folder of its class-area shards")
    a_count: int = Field(description="number of its images")
    b_moments: str = Field(description="moments of the generated source B")
    b_tables: str = Field(description="folder of its class-area shards")
    b_count: int = Field(description="number of its images")
    shard_size: int = Field(description="images per shard")
    settings: Fsd
    seed: int = Field(description="root seed of subsets and permutations")
    summary: str = Field(description="summary to write")
    tsv: str = Field(description="table of classes to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("contrast", Job, __doc__, argv)
    settings = job.settings
    classes, sides = read_sides([Files.of(job, name) for name in SIDES], settings, job.seed, "contrast")
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for category in dict.fromkeys(category for _, category in classes):
        rng = seeds.rng(job.seed, "contrast", "category", category)
        real, a, b = (side.statistics.of_category(category) for side in sides)
        found = contrast.class_rows(
            real, a, b, settings.confidence, settings.permutations, settings.q_below, settings.adjust, rng
        )
        rows |= {(row[0], row[1]): row for row in found}
    real, a, b = (side.statistics.of_category(settings.category) for side in sides)
    counts = {name: side.source.moments.count for name, side in zip(SIDES, sides, strict=True)}
    cautions = warnings(counts, len(real.classes))
    summary = {
        **nearer(real, a, b, settings, job.seed),
        "fsd_a": frechet(real.moments, a.moments).fsd,
        "fsd_b": frechet(real.moments, b.moments).fsd,
        **{f"num_{name}": count for name, count in counts.items()},
        "unit": "percent",
        "category": settings.category,
        "confidence": settings.confidence,
        "seed": job.seed,
        "code": job.code,
        "warnings": cautions,
    }
    for warning in cautions:
        log.warning(warning)
    log.info("difference %s, %s", summary["difference"], summary["verdict"])
    tables.write_tsv(job.tsv, contrast.CLASS_NAMES, [rows.get(key) or contrast.absent_row(*key) for key in classes])
    tables.write_json(job.summary, summary)


def nearer(real: AreaStatistics, a: AreaStatistics, b: AreaStatistics, settings: Fsd, seed: int) -> dict[str, Any]:
    """The difference of the distances; no number where a side has too few images."""
    blocks, a_blocks, b_blocks = (side.sketch.blocks for side in (real, a, b))
    if blocks is None or a_blocks is None or b_blocks is None:
        return contrast.unknown()
    rng = seeds.rng(seed, "contrast", "halves")
    splits = max(settings.resamples // 2, 2)
    return contrast.contrast(blocks, a_blocks, b_blocks, splits, rng, settings.confidence).numbers()


def warnings(counts: dict[str, int], num_classes: int) -> list[str]:
    """What a reader must know of the numbers of images of either distance, once each."""
    found = [
        line.replace("generated", name.upper())
        for name in SIDES[1:]
        for line in sample_warnings({"real": counts["real"], "generated": counts[name]}, num_classes)
    ]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    command.run("contrast", main)
