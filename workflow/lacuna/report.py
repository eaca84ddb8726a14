"""Write the page that people open: what a generator leaves out, in the distribution and in single photos.

One self-contained HTML file; beside it every figure as SVG and PDF and every table as TSV.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from lacuna.figures.colours import class_colours, hex_colour
from lacuna.formats import files
from lacuna.kit import command
from lacuna.pages import across, beside, conditional, distribution, findings, instances, render, run, training
from lacuna.pages.inputs import Inputs

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Read what the configuration asked for, word it, draw it, and put it on one page."""
    args = parse_args(argv)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table that a PDF leaves out
    inputs = Inputs(args.settings, args.results)
    comparisons = [distribution.view(inputs, comparison) for comparison in args.settings["comparisons"]]
    inverted = [inputs.inverted(entry) for entry in args.settings["inversions"]]
    colours = class_colours(instances.legend_classes(inverted))
    inversions = instances.views(inverted, colours)
    section = conditional.view(inputs)
    trainings = training.views(inputs)
    unequal = across.unequal_counts(comparisons)
    if unequal:
        log.warning(unequal)
    page = render.page(
        unequal_counts=unequal,
        across=across.classes_across(comparisons) if len(comparisons) > 1 else [],
        report=args.settings["report"],
        description=comparisons[0].headline if comparisons else findings.lead(inversions),
        comparisons=comparisons,
        pairs=findings.pairs(args.settings, comparisons, inverted, inversions),
        lead=findings.lead(inversions),
        lead_pair=findings.pair(inverted, inversions),
        lead_note=" ".join(view.claim for view in inversions),
        section=section,
        inversions=inversions,
        legend=[(name, hex_colour(colour)) for name, colour in colours.items()],
        shown_percent=args.settings["fsd"]["presence_percent"],
        trainings=trainings,
        run=run.view(inputs, args.code),
    )
    if args.files_dir:
        beside.write(args.files_dir, comparisons, section, inversions, trainings)
    files.write_text(args.html, page)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Flags of the stage."""
    parser = command.parser("report", __doc__)
    parser.add_argument("--settings", type=command.json_object, required=True, help="JSON: the whole configuration")
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument("--html", type=Path, required=True, help="page to write")
    parser.add_argument("--files-dir", type=Path, help="folder for figures as SVG and PDF and tables as TSV")
    return parser.parse_args(argv)


if __name__ == "__main__":
    command.run("report", main)
