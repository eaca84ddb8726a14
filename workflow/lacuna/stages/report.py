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
from lacuna.report import render
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, write_beside
from lacuna.report.sections.findings.content import Findings
from lacuna.runtime import command


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
    page = Page(Inputs(config, job.results), job.code, job.html, job.files_dir)
    sections = list(page.sections())
    findings = page.section(Findings)
    description = findings.sentence if findings else ""
    text = render.page(config.report, description, job.code, sections)
    if job.files_dir:
        write_beside(job.files_dir, [content for _, _, content in sections])
    files.write_text(job.html, text)


if __name__ == "__main__":
    command.run("report", main)
