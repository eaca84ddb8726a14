"""Samples beside the photos of their captions: what is not drawn though the photo shows it, or the prompt names it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from lacuna.config import targets
from lacuna.config.distribution import Comparison
from lacuna.formats import tables
from lacuna.report import words
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section, Table

FEWEST_ASKED = 10  # prompts that name a class, for a sentence about it


@dataclass(frozen=True)
class Row:
    """One class: in how many pairs it shows, and how many prompts name it."""

    name: str
    num_photos: int
    num_samples: int
    kept: float
    low: float
    high: float
    q_value: float
    asked: int
    asked_not_drawn: int

    @property
    def unheeded(self) -> float:
        """Share of the prompts with its name whose samples do not show it."""
        return self.asked_not_drawn / self.asked if self.asked else float("nan")

    def is_short(self, q_below: float) -> bool:
        """Whether samples show it in fewer pairs than their photos, beyond doubt."""
        return self.num_samples < self.num_photos and self.q_value < q_below


@dataclass(frozen=True)
class Pairs:
    """One comparison, pair by pair."""

    anchor: str
    real: str
    generated: str
    num_pairs: int
    lost: str
    unheeded: str
    warnings: list[str]
    rows: list[Row]


@dataclass(frozen=True)
class Captions(Section):
    """Every comparison whose samples answer captions."""

    comparisons: list[Pairs]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read what `paired` wrote."""
        found = [_view(page.inputs, entry) for entry in page.inputs.config.comparisons if entry.paired]
        return cls(found) if found else None

    def tables(self) -> Sequence[Table]:
        """One per comparison."""
        caption = "{0.generated} beside {0.real}, pair by pair."
        return [
            Table.of(f"captions-{pairs.anchor}", caption.format(pairs), Row, pairs.rows) for pairs in self.comparisons
        ]


def _view(inputs: Inputs, entry: Comparison) -> Pairs:
    table, summary_path = (inputs.path(path) for path in targets.paired_files(entry))
    settings, summary = entry.fsd or inputs.config.fsd, tables.read_json(summary_path)
    found = [row for row in tables.read_tsv(table) if row["category"] == settings.category]
    rows = [row(cells) for cells in found if cells["class"] != BACKGROUND]
    rows = sorted(
        (one for one in rows if one.num_photos or one.num_samples or one.asked), key=lambda one: -one.num_photos
    )
    return Pairs(
        anchor=f"{entry.segmenter}-{entry.real}-{entry.generated}",
        real=entry.real,
        generated=entry.generated,
        num_pairs=summary["num_pairs"],
        lost=lost(entry.generated, rows, settings.q_below),
        unheeded=unheeded(rows),
        warnings=summary["warnings"],
        rows=sorted(rows, key=lambda one: -one.num_photos),
    )


def row(cells: Mapping[str, str]) -> Row:
    """A row of the table."""
    both = int(cells["both"])
    return Row(
        name=cells["class"],
        num_photos=both + int(cells["photo_only"]),
        num_samples=both + int(cells["sample_only"]),
        kept=float(cells["kept"]),
        low=float(cells["kept_low"]),
        high=float(cells["kept_high"]),
        q_value=float(cells["q_value"]),
        asked=int(cells["asked"]),
        asked_not_drawn=int(cells["asked_not_drawn"]),
    )


def lost(generated: str, rows: Sequence[Row], q_below: float) -> str:
    """One sentence: the class that is lost most often where its photo shows it."""
    short = [one for one in rows if one.is_short(q_below)]
    if not short:
        return f"No class shows in fewer samples of {generated} than in their photos beyond doubt."
    worst = min(short, key=lambda one: one.kept)
    text = (
        f"Of {words.thousands(worst.num_photos)} photos that show {worst.name}, {words.share(worst.kept)} "
        f"[{words.share(worst.low)}, {words.share(worst.high)}] have a sample that shows it too."
    )
    others = [one.name for one in sorted(short, key=lambda one: one.kept) if one is not worst]
    return f"{text} Shown less often than in the photos, too: {words.listed(others)}." if others else text


def unheeded(rows: Sequence[Row]) -> str:
    """One sentence: the class that is asked for by name in vain most often."""
    asked = [one for one in rows if one.asked >= FEWEST_ASKED]
    if not asked:
        return ""
    worst = max(asked, key=lambda one: one.unheeded)
    return (
        f"{words.thousands(worst.asked)} prompts ask for {worst.name} by name, and {words.share(worst.unheeded)} of "
        "their samples do not show it."
    )
