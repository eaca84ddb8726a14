"""One comparison as the page shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lacuna.areas.images_read import by_group, headline
from lacuna.config import distribution as asked
from lacuna.data.containers.listing import Census
from lacuna.report import charts, words
from lacuna.report.charts import Chart, Origin
from lacuna.report.figures import embed, sheets, style
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.inputs import Inputs
from lacuna.report.sections.distribution.measures import Measures, measures
from lacuna.report.words import ClassRow

SHEET_IMAGES = 64


@dataclass(frozen=True)
class Distance:
    """The distance as the page draws it: shares of the widest bar in percent."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    mean_term: float = 0.0
    covariance_term: float = 0.0


@dataclass(frozen=True)
class Sheet:
    """A contact sheet of one source."""

    source: str
    address: str
    count: int
    width: int
    height: int
    figure: Figure = field(repr=False)


@dataclass(frozen=True)
class Comparison:
    """Everything that the page says of one comparison."""

    anchor: str
    real: str
    generated: str
    segmenter: str
    headline: str
    distances: list[Distance]
    apart: str
    num_real: int
    num_generated: int
    confidence: float | None
    warnings: list[str]
    resolution: str
    rows: list[ClassRow]
    num_absent: int
    shortest: list[tuple[ClassRow, str]]
    charts: list[Chart]
    origin: Origin | None
    sheets: list[Sheet]
    verdict_counts: dict[str, int]
    tsv_address: str
    measures: Measures
    figures: Mapping[str, Figure] = field(repr=False)

    @property
    def looked_at(self) -> bool:
        """Whether anything is known of how its classes look."""
        return any(row.appearance for row in self.rows)

    @property
    def scale(self) -> float:
        """The longest bar of the distances."""
        return max(max(distance.value, distance.high or 0.0) for distance in self.distances) or 1.0


def view(inputs: Inputs, comparison: asked.Comparison) -> Comparison:
    """Read one comparison and word and draw it."""
    real, generated, segmenter = comparison.real, comparison.generated, comparison.segmenter
    anchor = f"{segmenter}-{real}-{generated}"
    looks = inputs.looks(comparison)
    rows = [class_row(row, looks) for row in inputs.comparison_table(comparison)]
    summary = inputs.comparison_summary(comparison)
    known_images = {name: side for name, side in summary.get("images", {}).items() if side}
    named = [row for row in rows if row.name != BACKGROUND]
    counted = [row for row in named if row.category == summary.get("category", row.category)]
    category = summary.get("category", "object")
    malformed = words.looks([(name, word) for (name, its), word in looks.items() if its == category])
    notes = [by_group(known_images), *beside(known_images)]
    drawn, figures = charts.charts([row for row in named if occurs(row)], real, generated, anchor)
    origin = charts.contributions_of([row for row in counted if occurs(row)], summary["fsd"])
    measured = measures(summary)
    more = {f"contributions-{anchor}": origin.figure if origin else None, f"sample-sizes-{anchor}": measured.figure}
    shown = [
        _sheet(name, images) for name in (real, generated)
        if inputs.has_images(name) and len(images := inputs.first_images(name, SHEET_IMAGES))
    ]  # fmt: skip
    more |= {f"samples-{sheet.source}": sheet.figure for sheet in shown}
    figures |= {name: figure for name, figure in more.items() if figure}
    return Comparison(
        anchor=anchor,
        real=real,
        generated=generated,
        segmenter=segmenter,
        headline=" ".join(filter(None, [headline(known_images), words.headline(generated, real, counted), malformed])),
        distances=distances(summary),
        apart=apart(summary),
        num_real=int(summary["num_real"]),
        num_generated=int(summary["num_generated"]),
        confidence=summary.get("confidence"),
        warnings=list(summary.get("warnings", [])),
        resolution=" ".join(filter(None, [resolution_note(summary.get("resolution", {})), *notes])),
        rows=[row for row in rows if occurs(row)],
        num_absent=sum(not occurs(row) for row in named),
        shortest=[(row, words.detail(row)) for row in words.shortest(counted)],
        charts=drawn,
        origin=origin,
        sheets=shown,
        verdict_counts=verdict_counts([row for row in counted if occurs(row)]),
        tsv_address=embed.text_address(inputs.comparison_tsv(comparison)),
        measures=measured,
        figures=figures,
    )


def beside(sides: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What lay in the sources beside the images, a sentence for each side with anything to tell.

    Args:
        sides: what the summary of a comparison says of the images of each side.
    """
    for name, side in sides.items():
        told = Census.of(side["census"]).told() if side.get("census") else ""
        if told:
            yield f"Beside the {name} images, when they were listed, lay {told}."


def resolution_note(found: Mapping[str, Any]) -> str:
    """At which size the images were segmented, and which they had; empty where that is not known."""
    if not (found.get("real") and found.get("generated")):
        return ""
    real, generated = (
        f"{low}" if low == high else f"{low} to {high}" for low, high in (found["real"], found["generated"])
    )
    side = found["segmented"]
    had = f"shorter sides of {real} (real) and {generated} (generated) pixels"
    same = found["real"] == found["generated"] == [side, side]
    return f"Segmented at {side} x {side} pixels" + (", which all images had." if same else f"; before that, {had}.")


def class_row(row: Mapping[str, str], looks: Mapping[tuple[str, str], str]) -> ClassRow:
    """A row of the TSV, read, with the verdict on how the class looks."""
    return ClassRow(
        name=row["class"],
        category=row["category"],
        real_area=float(row["real_area"]),
        generated_area=float(row["generated_area"]),
        delta=float(row["relative_delta"]),
        low=float(row["delta_low"]),
        high=float(row["delta_high"]),
        real_presence=float(row["real_presence"]),
        generated_presence=float(row["generated_presence"]),
        presence_ratio=float(row["presence_ratio"]),
        q_value=float(row["q_value"]),
        contribution=float(row["fsd_contribution"]),
        verdict=row["verdict"],
        appearance=looks.get((row["class"], row["category"]), ""),
    )


def verdict_counts(rows: Sequence[ClassRow]) -> dict[str, int]:
    """How many classes got each verdict; those that none got are left out."""
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in style.VERDICTS}
    return {verdict: count for verdict, count in counts.items() if count}


def occurs(row: ClassRow) -> bool:
    """Whether any image of either side shows the class."""
    return max(row.real_area, row.generated_area) > 0


def distances(summary: Mapping[str, Any]) -> list[Distance]:
    """The distance, and beside it what two halves of the real images are apart."""
    parts = {name: summary[name] for name in ("mean_term", "covariance_term")}
    found = [Distance("FSD", summary["fsd"], **parts)]
    for name, key, note in (
        ("FSD\N{INFINITY}", "fsd_infinity", "extrapolated to endlessly many images per side"),
        ("Baseline", "baseline", _baseline_note(summary)),
    ):
        value = summary.get("baseline_fsd" if key == "baseline" else key)
        if value is not None:
            found.append(Distance(name, value, summary.get(f"{key}_low"), summary.get(f"{key}_high"), note))
    return found


def apart(summary: Mapping[str, Any]) -> str:
    """The distance beside that of real images from real images, of equally many; empty where it is not known."""
    value, baseline = (summary.get(name) or 0.0 for name in ("fsd_at_baseline_num", "baseline_fsd"))
    return words.apart(value / baseline) if baseline > 0 else ""


def _baseline_note(summary: Mapping[str, Any]) -> str:
    if not summary.get("baseline_num"):
        return "real against real"
    note = f"real against real, {words.thousands(summary['baseline_num'])} images each"
    if summary.get("fsd_at_baseline_num") is not None:
        note += f"; generated against real with as many: {words.number(summary['fsd_at_baseline_num'])}"
    return note


def _sheet(source: str, images: NDArray[np.uint8]) -> Sheet:
    picture = sheets.sheet(images)
    lossless = images.shape[1] <= embed.LOSSLESS_PX
    return Sheet(
        source, embed.data_address(picture, lossless=lossless), len(images), *picture.size, sheets.framed(picture)
    )
