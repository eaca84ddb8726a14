"""Do classes look like themselves? Regions of two sources are compared in pairs of equal size, and counted.

Shape suffixes: C classes.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from lacuna.appearance import instances, verdicts
from lacuna.appearance.kept import KeptRegions, RegionTable, merged, one_of_each_group
from lacuna.appearance.verdicts import Looks, Rule, Tested
from lacuna.areas.verdicts import Thresholds
from lacuna.config.distribution import Appearance, Fsd, Regions
from lacuna.errors import UserError
from lacuna.formats import appearances, regions, tables
from lacuna.formats.appearances import Appearances, Shown
from lacuna.formats.files import atomic
from lacuna.report.figures.regions import contact_sheet
from lacuna.runtime import command, seeds
from lacuna.runtime.provenance import Provenance

log = logging.getLogger(__name__)


class Job(command.Job):
    """What the stage is told."""

    real_tables: str = Field(description="folder of the regions of the real source")
    real_count: int = Field(description="number of real images")
    generated_tables: str = Field(description="folder of the regions of the generated source")
    generated_count: int = Field(description="number of generated images")
    shard_size: int = Field(description="images per shard")
    settings: Appearance
    kept: Regions
    verdicts: Fsd
    seed: int = Field(description="root seed of permutations")
    tsv: str = Field(description="table of how classes look to write")
    numbers: str = Field(description="table of how many regions there are to write")
    summary: str = Field(description="JSON to write")
    pictures: str = Field(description="HDF5 file of pictures and places to write")
    gallery: str = Field(description="folder of contact sheets to write, one per class")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("appearance", Job, __doc__, argv)
    real, generated = (
        merged(regions.read_shards(folder, count, job.shard_size), job.kept.features, job.kept.crops)
        for folder, count in ((job.real_tables, job.real_count), (job.generated_tables, job.generated_count))
    )
    check_comparable(real, generated)
    looks, numbers = [], []
    for category in dict.fromkeys(real.categories):
        columns = np.flatnonzero(np.array(real.categories) == category)
        looks += look_rows(real, generated, columns, job)
        numbers += number_rows(real, generated, columns, job)
    tables.write_tsv(job.tsv, verdicts.COLUMNS, looks)
    tables.write_tsv(job.numbers, instances.COLUMNS, numbers)
    found = Counter(row[-1] for row in looks)
    log.info("%s", ", ".join(f"{found[word]} {word}" for word in verdicts.VERDICTS))
    summary = {
        "num_real": len(real.index), "num_generated": len(generated.index), "verdicts": dict(found),
        "blocks": list(real.blocks), "settings": job.settings.given(), "kept": job.kept.given(), "seed": job.seed,
        "code": job.code,
    }  # fmt: skip
    tables.write_json(job.summary, summary)
    write_sheets(Path(job.gallery), real, generated, looks)
    sides = (Shown(side.place.astype(np.float32), side.crops) for side in (real, generated))
    shown = Appearances(real.classes, real.categories, *sides)
    appearances.write(job.pictures, shown, Provenance("appearance", job.code, job.settings.given(), job.seed))


def check_comparable(real: RegionTable, generated: RegionTable) -> None:
    """Refuse sides that were not looked at in the same way.

    Raises:
        UserError: other classes, image sizes or features.
    """
    for name, what in (("classes", "class lists"), ("image_px", "sizes of image"), ("blocks", "features")):
        if getattr(real, name) != getattr(generated, name):
            raise UserError(f"{what} of the two sources differ, expected equal ones; segment both with one segmenter")


def look_rows(real: RegionTable, generated: RegionTable, columns: np.ndarray, job: Job) -> list[tuple]:
    """How the classes of a category look, a row each."""
    settings = job.settings
    rule = Rule(
        settings.altered_by, settings.q_below, settings.confidence, settings.permutations, settings.area_tolerance
    )
    sides = [one_of_each_group(side.kept, side.index, side.group) for side in (real, generated)]
    names = [real.classes[column] for column in columns]
    category = real.categories[columns[0]]
    tested: list[Tested] = []
    for column, name in command.progress(zip(columns, names, strict=True), total=len(names), desc="appearance"):
        rng = seeds.rng(job.seed, "appearance", category, name)
        one, other = (looks_of(side, int(column)) for side in sides)
        tested.append(verdicts.compare_looks(one, other, real.blocks, rule, rng))
    return verdicts.rows(names, category, tested, rule)


def looks_of(kept: KeptRegions, column: int) -> Looks:
    """Regions of one class."""
    own = kept.column == column
    return Looks(kept.area_px[own], kept.feature[own].astype(np.float64))


def number_rows(real: RegionTable, generated: RegionTable, columns: np.ndarray, job: Job) -> list[tuple]:
    """How many regions of the classes of a category there are, a row each."""
    category = real.categories[columns[0]]
    tests = instances.compare_numbers(
        real.num_regions[:, columns], generated.num_regions[:, columns], (real.group, generated.group),
        job.settings.confidence, job.settings.permutations, seeds.rng(job.seed, "appearance", "numbers", category),
    )  # fmt: skip
    limits = Thresholds(job.verdicts.omitted_below, job.verdicts.changed_by, job.verdicts.q_below)
    return instances.rows([real.classes[column] for column in columns], category, tests, limits)


def write_sheets(folder: Path, real: RegionTable, generated: RegionTable, rows: Sequence[tuple]) -> None:
    """One picture per class that either side shows: all regions that were kept, real and generated."""
    folder.mkdir(parents=True, exist_ok=True)
    for column, (name, category, *_, word) in enumerate(rows):
        pictures = [
            [side.crops.crops[place].opened() for place in np.flatnonzero(side.crops.column == column)]
            for side in (real, generated)
        ]
        if any(pictures):
            sheet = contact_sheet(f"{name}: {word}", list(zip(("real", "generated"), pictures, strict=True)))
            with atomic(folder / f"{category}_{re.sub('[^a-z0-9]+', '_', name.lower())}.png") as partial_name:
                sheet.save(partial_name, "png")


if __name__ == "__main__":
    command.run("appearance", main)
