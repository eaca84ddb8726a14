"""Write the page that people open: what a generator leaves out, in the distribution and in single photos.

One self-contained HTML file; beside it every figure as SVG and PDF, every table as TSV
and LaTeX, and of many inverted images those that are not in the page.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from lacuna.config.configuration import Configuration
from lacuna.formats import files
from lacuna.report import (
    across,
    album,
    beside,
    conditional,
    distribution,
    families,
    findings,
    instances,
    overview,
    render,
    run,
    training,
    words,
)
from lacuna.report.figures.colours import class_colours, hex_colour
from lacuna.report.inputs import Inputs
from lacuna.runtime import command

log = logging.getLogger(__name__)


class Job(command.Job):
    """What the stage is told."""

    settings: dict[str, Any] = Field(description="JSON: the whole configuration")
    results: Path = Field(description="folder of the results")
    html: Path = Field(description="page to write")
    files_dir: Path | None = Field(
        None, description="folder for figures as SVG and PDF, tables as TSV and LaTeX, pictures"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Read what the configuration asked for, word it, draw it, and put it on one page."""
    job = command.job("report", Job, __doc__, argv)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table that a PDF leaves out
    config = Configuration.model_validate(job.settings)
    inputs = Inputs(config, job.results)
    table = overview.rows(inputs, config.comparisons)
    shown = overview.detailed(config.comparisons, table)
    comparisons = [distribution.view(inputs, comparison) for comparison in shown]
    if len(shown) < len(table):
        log.info("%d of %d comparisons are shown in full: those at both ends", len(shown), len(table))
    inverted = [inputs.inverted(entry) for entry in config.inversions]
    colours = class_colours(instances.legend_classes(inverted))
    album_of_page = album.album(sum(len(item.index_N) for item in inverted), job.files_dir, job.html)
    inversions = instances.views(inverted, colours, album_of_page)
    groups = families.views(inputs, comparisons)
    section = conditional.view(inputs)
    trainings = training.views(inputs)
    run_of_page = run.view(inputs, job.code)
    unequal = across.unequal_counts(comparisons)
    if unequal:
        log.warning(unequal)
    classes = across.classes_across(comparisons) if len(comparisons) > 1 else []
    page = render.page(
        overview=table,
        unequal_counts=unequal,
        across=classes,
        shared=words.short_everywhere([(row.name, row.num_short) for row in classes], len(comparisons)),
        scale=max((view.scale for view in comparisons), default=1.0),
        report=config.report,
        description=comparisons[0].headline if comparisons else findings.lead(inversions),
        comparisons=comparisons,
        pairs=findings.pairs(config, comparisons, inverted, inversions),
        lead=findings.lead(inversions),
        lead_pair=findings.pair(inverted, inversions),
        lead_note=" ".join(view.claim for view in inversions),
        groups=groups,
        section=section,
        inversions=inversions,
        legend=[(name, hex_colour(colour)) for name, colour in colours.items()],
        shown_percent=config.fsd.presence_percent,
        trainings=trainings,
        run=run_of_page,
    )
    if job.files_dir:
        contents = beside.Contents(table, comparisons, groups, section, inversions, trainings, run_of_page)
        beside.write(job.files_dir, contents)
    files.write_text(job.html, page)


if __name__ == "__main__":
    command.run("report", main)
