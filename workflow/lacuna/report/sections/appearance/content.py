"""The section about appearance: random regions of each class, real and generated, beside what is claimed of them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from PIL import Image

from lacuna.config import distribution as asked
from lacuna.config import targets
from lacuna.formats import appearances, tables
from lacuna.formats.appearances import SIDES, Appearances
from lacuna.report import words
from lacuna.report.figures import embed, regions
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section, Table
from lacuna.report.sections.distribution.content import Distribution

SHOWN = 10  # regions in a strip
MOST_CLASSES = 40  # shown of a comparison, the most altered first
ORDER = ("altered", "undecided", "alike")


@dataclass(frozen=True)
class Drawn:
    """A picture in the page."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Strip:
    """Random regions of one side, and the images that they are of."""

    side: str
    source: str
    picture: Drawn
    images: list[int]


@dataclass(frozen=True)
class Look:
    """One class: what is claimed of its areas and looks, and what that rests on."""

    name: str
    category: str
    area_verdict: str
    verdict: str
    distance: float
    text: str
    numbers: str
    strips: list[Strip] = field(repr=False)
    places: list[Drawn] = field(repr=False)


@dataclass(frozen=True)
class Looks:
    """All classes of one comparison."""

    anchor: str
    real: str
    generated: str
    claim: str
    looks: list[Look]
    num_more: int
    tsv_address: str
    rows: list[dict[str, str]] = field(repr=False)
    columns: list[str] = field(repr=False)


@dataclass(frozen=True)
class Appearance(Section):
    """Every comparison that is shown in full and whose classes can be looked at."""

    comparisons: list[Looks]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read them."""
        distribution = page.section(Distribution)
        shown = {(one.segmenter, one.real, one.generated) for one in distribution.comparisons} if distribution else ()
        asked_for = targets.looked_at(page.inputs.config)
        found = [view(page.inputs, one) for one in asked_for if (one.segmenter, one.real, one.generated) in shown]
        return cls(found) if found else None

    def tables(self) -> Iterable[Table]:
        """How the classes of each comparison look."""
        for found in self.comparisons:
            caption = f"How classes of {found.generated} look beside those of {found.real}."
            rows = [tuple(row.values()) for row in found.rows]
            yield Table(f"appearance-{found.anchor}", caption, found.columns, rows)


def view(inputs: Inputs, comparison: asked.Comparison) -> Looks:
    """Read one comparison and word and draw it."""
    paths = [inputs.path(name) for name in targets.appearance_files(comparison)]
    rows, numbers = tables.read_tsv(paths[0]), tables.read_tsv(paths[1])
    shown = appearances.read(paths[3])
    verdicts = {(row["class"], row["category"]): row["verdict"] for row in inputs.comparison_table(comparison)}
    pairs = [
        (row, counted) for row, counted in zip(rows, numbers, strict=True)
        if row["class"] != BACKGROUND and max(int(row["num_real"]), int(row["num_generated"])) > 0
    ]  # fmt: skip
    pairs.sort(key=lambda pair: (ORDER.index(pair[0]["verdict"]), -_number(pair[0]["distance"])))
    named = {side: getattr(comparison, side) for side in SIDES}
    looks = [
        look(row, counted, verdicts.get((row["class"], row["category"]), ""), shown, named)
        for row, counted in pairs[:MOST_CLASSES]
    ]
    known = [(row["class"], row["verdict"]) for row, _ in pairs]
    return Looks(
        anchor=f"{comparison.segmenter}-{comparison.real}-{comparison.generated}",
        real=comparison.real,
        generated=comparison.generated,
        claim=words.looks(known) or "No class is called altered.",
        looks=looks,
        num_more=len(pairs) - len(looks),
        tsv_address=embed.text_address(paths[0].read_text(encoding="utf-8")),
        rows=rows,
        columns=list(rows[0]),
    )


def look(
    row: Mapping[str, str], counted: Mapping[str, str], area_verdict: str, shown: Appearances, named: Mapping[str, str]
) -> Look:
    """One class."""
    column = list(zip(shown.classes, shown.categories, strict=True)).index((row["class"], row["category"]))
    maps = regions.places(*(getattr(shown, side).place[column] for side in SIDES))
    return Look(
        name=row["class"],
        category=row["category"],
        area_verdict=area_verdict,
        verdict=row["verdict"],
        distance=float(row["distance"]),
        text=distance_text(row),
        numbers=numbers_text(counted),
        strips=[strip(shown, side, named[side], column) for side in SIDES],
        places=[_drawn(picture) for picture in maps],
    )


def strip(shown: Appearances, side: str, source: str, column: int) -> Strip:
    """The first regions of the random order of one side."""
    crops = getattr(shown, side).crops
    own = np.flatnonzero(crops.column == column)[:SHOWN]
    picture = regions.strip([crops.crops[place].opened() for place in own], SHOWN)
    return Strip(side, source, _drawn(picture), crops.image[own].tolist())


def distance_text(row: Mapping[str, str]) -> str:
    """What the verdict on the looks rests on."""
    if math.isnan(float(row["distance"])):
        return f"{row['num_real']} real and {row['num_generated']} generated regions: too few of equal size to say."
    value, low, high, baseline = (words.number(float(row[key])) for key in ("distance", "low", "high", "baseline"))
    return (
        f"Distance {value} [{low}, {high}] from the real ones, over {row['num_pairs']} pairs of equal size; "
        f"halves of the real ones are up to {baseline} apart."
    )


def numbers_text(row: Mapping[str, str]) -> str:
    """How many regions an image shows."""
    real, generated = (words.number(float(row[f"{side}_regions"])) for side in SIDES)
    text = f"{real} regions in a real image, {generated} in a generated one"
    word = row["verdict"]
    return f"{text}: {word}." if word not in ("kept", "undecided") else f"{text}."


def _drawn(picture: Image.Image) -> Drawn:
    return Drawn(embed.data_address(picture), *picture.size)


def _number(text: str) -> float:
    value = float(text)
    return -math.inf if math.isnan(value) else value
