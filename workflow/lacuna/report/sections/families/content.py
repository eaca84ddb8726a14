"""Generators of the same scenes side by side: distances, classes that separate them, truth, and their training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from matplotlib.figure import Figure

from lacuna.config import targets
from lacuna.formats import tables
from lacuna.report import charts, words
from lacuna.report.charts import Drawn
from lacuna.report.figures import families
from lacuna.report.figures.bars import ClassBar
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section
from lacuna.report.sections.distribution.comparison import Comparison
from lacuna.report.sections.distribution.content import Distribution
from lacuna.report.words import ClassRow

MOST_ROWS = 40  # classes in the figure, those of the largest real area
MOST_SEPARATING = 6
EXACT, SEGMENTED = "exact", "segmented"  # as `truth` names what the world draws, and what is seen of it


@dataclass(frozen=True)
class Member:
    """One generator of a group, and how far it is from the real images."""

    name: str
    fsd: float
    infinity: tuple[float, float, float] | None
    mean_term: float
    covariance_term: float
    num_generated: int
    own_share: float | None  # the segmenter's own error as a share of the distance


@dataclass(frozen=True)
class Rate:
    """How often one object shows: by the exact labels, as seen in the same scenes, and in each generator's images.

    Each generated rate with its interval.
    """

    name: str
    exact: float
    seen: float
    generated: list[tuple[float, float, float]]


@dataclass(frozen=True)
class Group:
    """Generators that are compared with one real source by one segmenter."""

    anchor: str
    real: str
    order: str
    members: list[Member]
    separating: list[str]
    figures: list[Drawn]
    rates: list[Rate]
    own: str


@dataclass(frozen=True)
class Families(Section):
    """All groups."""

    groups: list[Group]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Group the comparisons that the page shows."""
        distribution = page.section(Distribution)
        groups = views(page.inputs, distribution.comparisons) if distribution else []
        return cls(groups) if groups else None

    def figures(self) -> Mapping[str, Figure]:
        """Those of each group."""
        return {item.name: item.figure for group in self.groups for item in group.figures}


def views(inputs: Inputs, comparisons: Sequence[Comparison]) -> list[Group]:
    """A group for each real source and segmenter with several comparisons."""
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in comparisons:
        groups.setdefault((comparison.segmenter, comparison.real), []).append(comparison)
    return [_view(inputs, pair, found) for pair, found in groups.items() if len(found) > 1]


def _view(inputs: Inputs, pair: tuple[str, str], comparisons: Sequence[Comparison]) -> Group:
    truth = Truth.of(inputs, pair)
    members = sorted((_member(inputs, found, truth) for found in comparisons), key=lambda member: member.fsd)
    by_name = {found.generated: found for found in comparisons}
    ordered = [by_name[member.name] for member in members]
    figures = [_side_by_side(ordered), *_falling(inputs, [member.name for member in members])]
    return Group(
        anchor="-".join(pair),
        real=pair[1],
        order=order(members),
        members=members,
        separating=separating({found.generated: found.rows for found in ordered}),
        figures=figures,
        rates=truth.rates([member.name for member in members]) if truth else [],
        own=truth.own if truth else "",
    )


def order(members: Sequence[Member]) -> str:
    """One sentence: who is nearest and who farthest, and between whom the intervals do not decide."""
    text = ", ".join(f"{member.name} {words.number(member.fsd)}" for member in members)
    text = f"From the nearest to the farthest, by FSD: {text}."
    close = [
        f"{one.name} and {other.name}" for one, other in pairwise(members)
        if one.infinity and other.infinity and one.infinity[2] >= other.infinity[1]
    ]  # fmt: skip
    return f"{text} The intervals of FSD\N{INFINITY} overlap for {', '.join(close)}." if close else text


def separating(rows: Mapping[str, Sequence[ClassRow]]) -> list[str]:
    """Sentences about the classes that the generators differ in most, their intervals apart; the widest gap first."""
    found = []
    for name in dict.fromkeys(row.name for side in rows.values() for row in side if row.name != BACKGROUND):
        cells = {side: row for side, found_rows in rows.items() for row in found_rows if row.name == name}
        cells = {side: row for side, row in cells.items() if math.isfinite(row.low) and math.isfinite(row.high)}
        if len(cells) < 2:
            continue
        least, most = (pick(cells, key=lambda side: cells[side].delta) for pick in (min, max))
        if cells[least].high < cells[most].low:
            gap = cells[most].delta - cells[least].delta
            text = f"{name}: {words.signed(cells[least].delta)} in {least}, {words.signed(cells[most].delta)} in {most}"
            found.append((gap, text))
    return [text for _, text in sorted(found, key=lambda entry: -entry[0])[:MOST_SEPARATING]]


@dataclass(frozen=True)
class Truth:
    """What `truth` has found for one real source."""

    rows: list[dict[str, str]]
    summary: dict[str, Any]

    @staticmethod
    def of(inputs: Inputs, pair: tuple[str, str]) -> "Truth | None":
        """Read it, where the configuration asks for it."""
        if pair not in targets.true_pairs(inputs.config):
            return None
        table, summary = (inputs.path(path) for path in targets.truth_files(*pair))
        return Truth(tables.read_tsv(table), tables.read_json(summary))

    @property
    def own(self) -> str:
        """The segmenter's own part of the distance, in words."""
        scenes, own = words.thousands(self.summary["num_scenes"]), words.number(self.summary["segmenter"]["fsd"])
        return (
            f"The exact label areas of the {scenes} real scenes and the areas that the segmenter sees in them are an "
            f"FSD of {own} apart: the segmenter's own error. It sees real and generated images alike."
        )

    def rates(self, generated: Sequence[str]) -> list[Rate]:
        """One row per object, the most frequent first."""
        cells = {(row["class"], row["source"]): row for row in self.rows}
        names = dict.fromkeys(row["class"] for row in self.rows if row["class"] != BACKGROUND)
        rates = []
        for name in names:
            exact, seen = (float(cells[name, side]["presence"]) for side in (EXACT, SEGMENTED))
            rates.append(Rate(name, exact, seen, [_interval(cells[name, side]) for side in generated]))
        return sorted(rates, key=lambda rate: -rate.exact)


def _interval(row: Mapping[str, str]) -> tuple[float, float, float]:
    return float(row["presence"]), float(row["presence_low"]), float(row["presence_high"])


def _member(inputs: Inputs, comparison: Comparison, truth: Truth | None) -> Member:
    asked = (comparison.real, comparison.generated, comparison.segmenter)
    summary = inputs.comparison_summary(
        next(one for one in inputs.config.comparisons if (one.real, one.generated, one.segmenter) == asked)
    )
    infinity = None
    if summary.get("fsd_infinity") is not None:
        infinity = (summary["fsd_infinity"], summary["fsd_infinity_low"], summary["fsd_infinity_high"])
    own = truth.summary["generated"][comparison.generated]["own_share"] if truth else None
    return Member(
        comparison.generated, summary["fsd"], infinity, summary["mean_term"], summary["covariance_term"],
        comparison.num_generated, own,
    )  # fmt: skip


def _side_by_side(comparisons: Sequence[Comparison]) -> Drawn:
    first = comparisons[0]
    named = [row for row in first.rows if row.name != BACKGROUND]
    keys = [(row.name, row.category) for row in sorted(named, key=lambda row: -row.real_area)][:MOST_ROWS]
    bars = {}
    for comparison in comparisons:
        rows = {(row.name, row.category): row for row in comparison.rows}
        bars[comparison.generated] = [_bar(key, rows.get(key)) for key in keys]
    figure = families.side_by_side(bars)
    label = (
        f"Mean area of {len(keys)} classes in {first.real} and in {', '.join(bars)} on a logarithmic axis, and the "
        "relative difference of each generator on one axis."
    )
    caption = "The distribution figure of every generator on one scale; lines are intervals, colours the verdicts."
    name = f"families-{first.segmenter}-{first.real}"
    return charts.drawn(name, figure, label, caption)


def _bar(key: tuple[str, str], row: ClassRow | None) -> ClassBar:
    if row is None:  # neither side shows the class
        return ClassBar(key[0], 0.0, 0.0, math.nan, math.nan, math.nan, "undecided")
    return ClassBar(row.name, row.real_area, row.generated_area, row.delta, row.low, row.high, row.verdict)


def _falling(inputs: Inputs, sources: Sequence[str]) -> list[Drawn]:
    """The curves of the generators whose training was followed, in one figure; none where no curve is known."""
    curves = {}
    for source in sources:
        rows = inputs.curve(source)
        if rows:
            curves[source] = ([float(row["images"]) for row in rows], [float(row["fsd"]) for row in rows])
    if not curves:
        return []
    figure = families.falling(curves)
    label = f"FSD of the snapshots of {', '.join(curves)} over the number of real images shown."
    counts = {row["num_generated"] for source in curves for row in inputs.curve(source)}
    caption = f"FSD as the generators learnt, of {', '.join(sorted(counts))} images of each snapshot."
    return [charts.drawn("families-training", figure, label, caption)]
