"""Two generated sources against the same real one: which is nearer, and which classes one of both shows more of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lacuna.areas.contrast import MORE
from lacuna.config import targets
from lacuna.config.distribution import Contrast
from lacuna.formats import tables
from lacuna.report import words
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section, Table


@dataclass(frozen=True)
class Row:
    """One class that A and B show differently beyond doubt."""

    name: str
    real_area: float
    a_area: float
    b_area: float
    delta: float
    low: float
    high: float
    q_value: float
    verdict: str


@dataclass(frozen=True)
class Pair:
    """One contrast."""

    anchor: str
    real: str
    a: str
    b: str
    claim: str
    classes: str
    warnings: list[str]
    rows: list[Row]


@dataclass(frozen=True)
class Contrasts(Section):
    """Every pair of generated sources that the configuration contrasts."""

    pairs: list[Pair]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read what `contrast` wrote."""
        found = [_view(page.inputs, entry) for entry in page.inputs.config.contrasts]
        return cls(found) if found else None

    def tables(self) -> Sequence[Table]:
        """One per contrast."""
        caption = "{0.b} against {0.a}, classes that differ."
        return [Table.of(f"contrast-{pair.anchor}", caption.format(pair), Row, pair.rows) for pair in self.pairs]


def _view(inputs: Inputs, entry: Contrast) -> Pair:
    summary_path, table = (inputs.path(path) for path in targets.contrast_files(entry))
    summary = tables.read_json(summary_path)
    rows = [row(cells) for cells in tables.read_tsv(table) if cells["category"] == summary["category"]]
    differ = sorted((one for one in rows if one.verdict != MORE[2]), key=lambda one: -abs(one.b_area - one.a_area))
    return Pair(
        anchor=f"{entry.segmenter}-{entry.real}-{entry.a}-{entry.b}",
        real=entry.real,
        a=entry.a,
        b=entry.b,
        claim=claim(entry, summary),
        classes=class_claim(entry, differ),
        warnings=summary["warnings"],
        rows=differ,
    )


def row(cells: Mapping[str, str]) -> Row:
    """A row of the table."""
    return Row(
        name=cells["class"],
        real_area=float(cells["real_area"]),
        a_area=float(cells["a_area"]),
        b_area=float(cells["b_area"]),
        delta=float(cells["relative_delta"]),
        low=float(cells["delta_low"]),
        high=float(cells["delta_high"]),
        q_value=float(cells["q_value"]),
        verdict=cells["verdict"],
    )


def claim(entry: Contrast, summary: Mapping[str, Any]) -> str:
    """One sentence: who is nearer, by how much, and how sure that is."""
    if summary["difference"] is None:
        return f"Too few images to say whether {entry.b} or {entry.a} is nearer to {entry.real}."
    low, high = (words.number(summary[f"difference_{end}"]) for end in ("low", "high"))
    by = f"{words.number(summary['difference'])} [{low}, {high}]"
    said = {
        "b_nearer": f"{entry.b} is nearer to {entry.real} than {entry.a}",
        "a_nearer": f"{entry.a} is nearer to {entry.real} than {entry.b}",
        "undecided": f"Neither {entry.a} nor {entry.b} is seen to be nearer to {entry.real}",
    }[summary["verdict"]]
    sure = words.share(summary["probability"])
    return f"{said}: FSD of {entry.a} less that of {entry.b} is {by}; the chance that {entry.b} is nearer is {sure}."


def class_claim(entry: Contrast, differ: Sequence[Row]) -> str:
    """One sentence: the classes that each of both shows more of."""
    sides = [
        f"{side} shows more {words.listed(names)}"
        for side, word in ((entry.b, MORE[0]), (entry.a, MORE[1]))
        if (names := [one.name for one in differ if one.verdict == word])
    ]
    return f"{'; '.join(sides)}." if sides else "No class is seen to differ between both."
