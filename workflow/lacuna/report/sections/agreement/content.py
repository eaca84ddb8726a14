"""Verdicts of two segmenters side by side: what both call omitted, what only one does, and how far to trust either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lacuna.config import targets
from lacuna.config.distribution import Agreement as Entry
from lacuna.formats import tables
from lacuna.report import words
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section, Table

UNSEEN = ("absent", "kept")  # verdicts on which two segmenters agree without saying much


@dataclass(frozen=True)
class Row:
    """One class: what either segmenter says of it, and how alike they draw its outline."""

    name: str
    partner: str
    verdict: str
    partner_verdict: str
    real_overlap: float
    generated_overlap: float
    caution: str


@dataclass(frozen=True)
class Pair:
    """Two segmenters on one comparison."""

    anchor: str
    real: str
    generated: str
    first: str
    second: str
    both: str
    labels: str
    warnings: list[str]
    rows: list[Row]
    single: list[str]


@dataclass(frozen=True)
class Agreement(Section):
    """Every two segmenters that measure the same two sources."""

    pairs: list[Pair]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read what `agreement` wrote."""
        found = [pair for entry in page.inputs.config.agreements for pair in _views(page.inputs, entry)]
        return cls(found) if found else None

    def tables(self) -> Sequence[Table]:
        """One per pair."""
        caption = "{0.generated} beside {0.real}: verdicts of {0.first} and {0.second}."
        return [Table.of(f"agreement-{pair.anchor}", caption.format(pair), Row, pair.rows) for pair in self.pairs]


def _views(inputs: Inputs, entry: Entry) -> list[Pair]:
    paths = [inputs.path(name) for name in targets.agreement_files(entry)]
    return [
        view(entry, tables.read_tsv(table), tables.read_json(summary))
        for table, summary in zip(paths[::2], paths[1::2], strict=True)
    ]


def view(entry: Entry, rows: Sequence[Mapping[str, str]], summary: Mapping[str, Any]) -> Pair:
    """What the page shows of two segmenters; classes that both call kept or absent are left out of the table."""
    first, second = summary["segmenters"]
    paired = [row(cells) for cells in rows if cells["both"] != "single"]
    return Pair(
        anchor=f"{first}-{second}-{entry.real}-{entry.generated}",
        real=entry.real,
        generated=entry.generated,
        first=first,
        second=second,
        both=both(summary),
        labels=labels(summary["labels"]),
        warnings=summary["warnings"],
        rows=[one for one in paired if one.verdict != one.partner_verdict or one.verdict not in UNSEEN],
        single=[f"{name}: {words.listed(classes)}" for name, classes in summary["single"].items() if classes],
    )


def row(cells: Mapping[str, str]) -> Row:
    """A row of the table."""
    return Row(
        cells["class"], cells["partner"], cells["verdict"], cells["partner_verdict"],
        float(cells["real_overlap"]), float(cells["generated_overlap"]), cells["caution"],
    )  # fmt: skip


def both(summary: Mapping[str, Any]) -> str:
    """One or more sentences: what both call omitted, and what only one does."""
    omitted = summary["omitted_by_both"]
    text = f"Omitted by both: {words.listed(omitted)}." if omitted else "No class is omitted by both."
    alone = [
        f"Omitted only by {name}: {words.listed(classes)}."
        for name, classes in summary["omitted_only_by"].items()
        if classes
    ]
    equal = f"Of {summary['num_pairs']} classes that both know, {summary['num_equal']} get the same verdict."
    return " ".join([text, *alone, equal])


def labels(sides: Mapping[str, Mapping[str, Any]]) -> str:
    """One sentence: the share of pixels that both label alike, on either side."""
    told = [
        f"{words.share(side['agreement'])} [{words.share(side['low'])}, {words.share(side['high'])}] of the pixels of "
        f"{name} images"
        for name, side in sides.items()
        if side["agreement"] is not None
    ]
    return f"They label {' and '.join(sorted(told, reverse=True))} alike." if told else ""
