"""The section about distributions: every comparison, and what the comparisons have in common."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from matplotlib.figure import Figure

from lacuna.areas.columns import Column
from lacuna.report.figures.sizes import SizePoint
from lacuna.report.page import Page, Section, Table
from lacuna.report.sections.distribution import across, comparison
from lacuna.report.sections.distribution import overview as overviews
from lacuna.report.sections.distribution.across import ClassAcross
from lacuna.report.sections.distribution.comparison import Comparison
from lacuna.report.sections.distribution.measures import COLUMNS
from lacuna.report.sections.distribution.overview import Row
from lacuna.report.words import ClassRow

log = logging.getLogger(__name__)
OVERVIEW = (
    "generated", "real", "segmenter", "fsd", "fsd_infinity", "fsd_infinity_low", "fsd_infinity_high", "baseline_fsd",
    "num_short", "most_short",
)  # fmt: skip
DISTANCES = ("distance", "value", "low", "high", "mean_term", "covariance_term")


@dataclass(frozen=True)
class Distribution(Section):
    """Comparisons in full, and in one table all of them."""

    comparisons: list[Comparison]
    overview: list[Row]
    across: list[ClassAcross]
    unequal_counts: str
    columns: list[Column]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read the comparisons."""
        asked = page.inputs.config.comparisons
        if not asked:
            return None
        table = overviews.rows(page.inputs, asked)
        shown = overviews.detailed(asked, table)
        if len(shown) < len(table):
            log.info("%d of %d comparisons are shown in full: those at both ends", len(shown), len(table))
        found = [comparison.view(page.inputs, entry) for entry in shown]
        unequal = across.unequal_counts(found)
        if unequal:
            log.warning(unequal)
        return cls(found, table, across.classes_across(found) if len(found) > 1 else [], unequal, COLUMNS)

    def figures(self) -> Mapping[str, Figure]:
        """Those of each comparison."""
        return {name: figure for view in self.comparisons for name, figure in view.figures.items()}

    def tables(self) -> Iterable[Table]:
        """All comparisons, the classes of each, and the classes across."""
        rows = [
            (row.generated, row.real, row.segmenter, row.fsd, *(row.infinity or (None,) * 3), row.baseline,
             row.num_short, ", ".join(row.short))
            for row in self.overview
        ]  # fmt: skip
        yield Table("comparisons", "Distance of each comparison, and the classes most short.", OVERVIEW, rows)
        for view in self.comparisons:
            yield from comparison_tables(view)
        caption = "Relative difference and verdict of each class in all comparisons."
        rows_across = across.tsv_rows(across.classes_across(self.comparisons))
        yield Table("across", caption, across.columns(self.comparisons), rows_across)


def comparison_tables(view: Comparison) -> Iterator[Table]:
    """The tables of one comparison."""
    anchor, pair, measured = view.anchor, f"{view.generated} against {view.real}", view.measures
    caption = f"Classes of {pair}, segmented by {view.segmenter}; areas in percent of the image."
    yield Table.of(f"distribution-{anchor}", caption, ClassRow, view.rows)
    caption = f"FSD of {pair} by number of images per side."
    yield Table.of(f"sample-sizes-{anchor}", caption, SizePoint, measured.points)
    distances = [
        (found.name, found.value, found.low, found.high, found.mean_term, found.covariance_term)
        for found in view.distances
    ]
    caption = f"Distance of {pair}, and of real images from real images."
    yield Table(f"distances-{anchor}", caption, DISTANCES, distances)
    names = [name for column in COLUMNS for name in column.names]
    categories = [(one.name, *(one.values.get(name) for name in names)) for one in measured.categories]
    yield Table(f"statistics-{anchor}", f"Statistics of {pair} by category.", ("category", *names), categories)
    heavy = [(*found.classes, found.contribution, found.share) for found in measured.pairs]
    caption = f"Pairs of classes that are heaviest in the covariance term of {pair}."
    yield Table(f"class-pairs-{anchor}", caption, ("class", "other", "contribution", "share"), heavy)
