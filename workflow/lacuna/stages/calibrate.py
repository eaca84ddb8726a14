"""Calibrate the verdicts: how often are they right about omissions that are planted, and about no change at all?

Every comparison takes two disjoint samples of one pool of scenes; an object is left out of a share of its scenes on one
side. Judged are areas by the world's exact labels and areas by the segmenter, of the same scenes.

Shape suffixes: N scenes, C classes.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from lacuna.areas.calibration import Cell, Pool, Rule, found, null_cells, planted_cells
from lacuna.areas.verdicts import VERDICTS, Thresholds
from lacuna.config.distribution import Calibrate, Fsd
from lacuna.errors import UserError
from lacuna.formats import planted, tables
from lacuna.runtime import command, seeds

log = logging.getLogger(__name__)
COLUMNS = (
    "areas", "class", "presence", "strength", "num_images", "comparisons", *VERDICTS, "found", "precision",
    "false_positives",
)  # fmt: skip
JUDGED_COUNT = 2000  # images per side at which the required rates of finding are read
COMMON = 0.1  # presence from which a class must be found
NAN = float("nan")


@dataclass(frozen=True)
class Result:
    """One row of the table: verdicts of a class at one strength and number of images."""

    areas: str
    name: str
    presence: float
    strength: float
    num_images: int
    cell: Cell

    def row(self) -> tuple[Any, ...]:
        """In the order of COLUMNS; nothing is found and no claim is true where nothing is planted."""
        planted_ = self.strength > 0
        rates = (found(self.cell, self.strength), self.cell.precision) if planted_ else (NAN, NAN)
        words = [self.cell.share(word) for word in VERDICTS]
        where = (self.areas, self.name, self.presence, self.strength, self.num_images, self.cell.comparisons)
        return (*where, *words, *rates, self.cell.false_positives)


class Job(command.Job):
    """What the stage is told."""

    tables: str = Field(description="folder of the shards that plant made")
    count: int = Field(description="number of scenes")
    shard_size: int = Field(description="scenes per shard")
    settings: Calibrate
    verdicts: Fsd
    seed: int = Field(description="root seed of samples and permutations")
    tsv: str = Field(description="table of all rates to write")
    summary: str = Field(description="JSON of the required rates to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("calibrate", Job, __doc__, argv)
    pools, classes = read_pools(job.tables, job.count, job.shard_size)
    results = list(measured(pools, classes, job.settings, rule(job.verdicts, job.settings), job.seed))
    rates = required_rates(results)
    tables.write_tsv(job.tsv, COLUMNS, [result.row() for result in results])
    summary = {"rates": rates, "settings": job.settings.given(), "verdicts": job.verdicts.given(), "seed": job.seed}
    tables.write_json(job.summary, summary | {"code": job.code, "num_scenes": job.count})
    print("\n".join(sentence(rate) for rate in rates))


def read_pools(folder: str, count: int, shard_size: int) -> tuple[dict[str, Pool], list[str]]:
    """The scenes' areas, exact and segmented, with everything and without each object; and the classes."""
    shards = list(planted.read_shards(folder, count, shard_size))
    index, omitted = (np.concatenate([getattr(shard, name) for shard in shards]) for name in ("index", "omitted"))
    whole = np.flatnonzero(omitted == 0)
    if not np.array_equal(index[whole], np.arange(count)):
        raise UserError(f"{folder}: {len(whole)} scenes, expected 0 to {count - 1}; delete it and run plant again")
    pools = {}
    for kind in ("exact", "segmented"):
        areas_MC = np.concatenate([getattr(shard, f"{kind}_px") for shard in shards])
        without = {}
        for position in range(1, len(shards[0].classes)):
            rows = np.flatnonzero(omitted == position)
            if len(rows):
                without[position] = areas_MC[whole]
                without[position][index[rows]] = areas_MC[rows]
        pools[kind] = Pool(areas_MC[whole], without, shards[0].image_px)
    return pools, shards[0].classes


def rule(verdicts: Fsd, settings: Calibrate) -> Rule:
    """The rule of the verdicts as fsd applies it, with the calibration's own number of permutations."""
    limits = Thresholds(verdicts.omitted_below, verdicts.changed_by, verdicts.q_below)
    return Rule(limits, verdicts.presence_percent, verdicts.confidence, settings.permutations, verdicts.adjust)


def measured(
    pools: Mapping[str, Pool], classes: Sequence[str], settings: Calibrate, rule: Rule, seed: int
) -> Iterator[Result]:
    """Every row of the table; a row's numbers do not depend on which other rows are asked for."""
    exact = pools["exact"]
    presence_C = (exact.whole_NC > rule.presence_percent / 100 * exact.image_px).mean(axis=0)
    strengths = [float(strength) for strength in settings.strengths]
    grid = [(count, 0.0, -1) for count in settings.counts if 0 in strengths]
    grid += [
        (count, strength, omitted)
        for count in settings.counts for strength in strengths if strength > 0
        for omitted in sorted(exact.without_NC)
    ]  # fmt: skip
    for count, strength, omitted in command.progress(grid, desc="calibrate", unit="cell"):
        rng = seeds.rng(seed, "calibrate", count, str(strength), omitted)
        if strength == 0:
            cells = null_cells(pools, count, settings.null_comparisons, rule, rng)
            for kind in cells:
                for name, presence, cell in zip(classes, presence_C, cells[kind], strict=True):
                    if presence > 0:
                        yield Result(kind, name, float(presence), 0.0, count, cell)
            continue
        for kind, cell in planted_cells(pools, omitted, strength, count, settings.comparisons, rule, rng).items():
            yield Result(kind, classes[omitted], float(presence_C[omitted]), strength, count, cell)


def required_rates(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The rates that the verdicts must have, by kind of areas; a rate of which nothing was measured is left out."""
    rates = []
    for kind in dict.fromkeys(result.areas for result in results):
        chosen = [result for result in results if result.areas == kind]
        for count in dict.fromkeys(result.num_images for result in chosen):
            null = [result.cell for result in chosen if result.strength == 0 and result.num_images == count]
            if null:
                claimed = sum(cell.claims for cell in null) / sum(cell.classes for cell in null)
                name = f"false positives under no change, n = {count}"
                rates.append(rate(kind, name, claimed, sum(cell.comparisons for cell in null), 0.05, False))
        for name, strength, least in (("full omissions", 1.0, 0.99), ("halvings", 0.5, 0.90)):
            cells = [
                result.cell for result in chosen
                if (result.strength, result.num_images) == (strength, JUDGED_COUNT) and result.presence >= COMMON
            ]  # fmt: skip
            if cells:
                total = sum(cell.comparisons for cell in cells)
                hits = sum(found(cell, strength) * cell.comparisons for cell in cells)
                rates.append(rate(kind, f"{name} found, n = {JUDGED_COUNT}", hits / total, total, least, True))
    return rates


def rate(kind: str, name: str, measured: float, trials: int, required: float, at_least: bool) -> dict[str, Any]:
    """One required rate and whether it is met."""
    met = measured >= required if at_least else measured <= required
    return {
        "areas": kind, "rate": name, "measured": measured, "trials": trials, "required": required,
        "bound": "at least" if at_least else "at most", "met": met,
    }  # fmt: skip


def sentence(found: Mapping[str, Any]) -> str:
    """One required rate for the terminal."""
    return (
        f"calibrate, {found['areas']} areas: {found['rate']}: {100 * found['measured']:.2f} % of {found['trials']}, "
        f"required {found['bound']} {100 * found['required']:g} %, {'met' if found['met'] else 'NOT MET'}"
    )


if __name__ == "__main__":
    command.run("calibrate", main)
