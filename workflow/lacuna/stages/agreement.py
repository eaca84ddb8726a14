"""Verdicts of two segmenters on one comparison side by side, with how alike they label its images."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lacuna.areas import agreement
from lacuna.areas.agreement import Verdict
from lacuna.formats import tables
from lacuna.runtime import command

log = logging.getLogger(__name__)


class Job(command.Job):
    """What the stage is told."""

    names: list[str] = Field(description="both segmenters")
    verdicts: list[str] = Field(description="their tables of classes, as fsd wrote them")
    category: str = Field(description="of the classes")
    real: str = Field(description="how they label real images (.json)")
    generated: str = Field(description="how they label generated images (.json)")
    tsv: str = Field(description="table of classes to write")
    summary: str = Field(description="summary to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("agreement", Job, __doc__, argv)
    real, generated = tables.read_json(job.real), tables.read_json(job.generated)
    pairs = [(pair["class"], pair["partner"]) for pair in real["pairs"]]
    first, second = (verdicts(path, job.category) for path in job.verdicts)
    table = agreement.rows(pairs, (first, second), overlaps(real), overlaps(generated))
    labels = {
        name: {key: side[key] for key in ("agreement", "low", "high", "num_images")}
        for name, side in (("real", real), ("generated", generated))
    }
    found = agreement.summary(table, (job.names[0], job.names[1]))
    tables.write_tsv(job.tsv, agreement.COLUMNS, table)
    tables.write_json(job.summary, {**found, "labels": labels, "warnings": warnings(labels, job.names)})
    for line in warnings(labels, job.names):
        log.warning(line)


def verdicts(path: str, category: str) -> dict[str, Verdict]:
    """What a table of classes says of each class of a category, '-' left out."""
    return {
        row["class"]: Verdict(row["verdict"], row["relative_delta"])
        for row in tables.read_tsv(path)
        if row["category"] == category and row["class"] != "-"
    }


def overlaps(side: Mapping[str, Any]) -> dict[str, float]:
    """Overlap of the pairs by the first's class."""
    return {pair["class"]: float("nan") if pair["overlap"] is None else pair["overlap"] for pair in side["pairs"]}


def warnings(labels: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """A line where the segmenters agree less on generated images than on real ones, by intervals that lie apart."""
    real, generated = labels["real"], labels["generated"]
    if real["low"] is None or generated["high"] is None or generated["high"] >= real["low"]:
        return []
    return [
        f"{names[0]} and {names[1]} label {100 * real['agreement']:.1f} % of the pixels of real images alike and "
        f"{100 * generated['agreement']:.1f} % of generated ones: at least one of them is out of its depth there"
    ]


if __name__ == "__main__":
    command.run("agreement", main)
