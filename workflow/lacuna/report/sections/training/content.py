"""The section about training: curves of what the workflow trained itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from lacuna.report import words
from lacuna.report.album import thumbnail
from lacuna.report.figures import curves, embed, style
from lacuna.report.page import Page, Section

STEP_COLUMNS = ("images", "images_seen", "step", "epoch", "iteration")  # what a log counts progress in
MOST_PANELS = 8
SHEETS = 4  # of samples, beside the curves of a generator
SHEET_PX = 512  # longest side of one
Panels = dict[str, tuple[list[float], list[float]]]  # title -> (x, y)


@dataclass(frozen=True)
class Trained:
    """The curves of one trained network."""

    name: str
    title: str
    caption: str
    svg: Markup
    is_small: bool
    sheets: list[tuple[str, str, int, int]]  # caption, address, width, height
    figure: Figure = field(repr=False)


@dataclass(frozen=True)
class Training(Section):
    """Every training whose logs lie in the results of this configuration."""

    trainings: list[Trained]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read the logs."""
        inputs = page.inputs
        views = (_view(title, logs, inputs.training_sheets(title)) for title, logs in inputs.training_logs())
        found = [view for view in views if view is not None]
        return cls(found) if found else None

    def figures(self) -> Mapping[str, Figure]:
        """One figure per training."""
        return {view.name: view.figure for view in self.trainings}


def _view(title: str, logs: Mapping[str, Sequence[Mapping[str, str]]], pictures: Sequence[Path]) -> Trained | None:
    """One log: one panel per column. Several: one panel per part, its loss."""
    panels: Panels = {}
    x_label = ""
    for part, rows in logs.items():
        found, x_label = series(rows)
        if len(logs) == 1:
            panels = dict(list(found.items())[:MOST_PANELS])
        elif found:
            panels[part] = found.get("loss") or next(iter(found.values()))
    if not panels:
        return None
    figure = curves.training(panels, x_label)
    label = f"Curves of the training of {title}: {', '.join(panels)}, each over {x_label}."
    name = "training-" + "".join(letter if letter.isalnum() else "-" for letter in title)
    caption = f"{'Columns of the log' if len(logs) == 1 else 'Loss of each part'}, over {x_label}."
    return Trained(
        name, title, caption, Markup(style.inline_svg(figure, label)), len(panels) < 3, sheets(pictures), figure
    )


def sheets(paths: Sequence[Path]) -> list[tuple[str, str, int, int]]:
    """Some sheets of samples, evenly spread from the first to the last, each named by the images seen until then."""
    last = len(paths) - 1
    chosen = sorted({round(last * place / (SHEETS - 1)) for place in range(SHEETS)}) if paths else []
    found = []
    for path in (paths[number] for number in chosen):
        with Image.open(path) as picture:
            small = thumbnail(picture.convert("RGB"), SHEET_PX)
        caption = f"after {words.thousands(int(path.stem))} images"
        found.append((caption, embed.data_address(small), *small.size))
    return found


def series(rows: Sequence[Mapping[str, str]]) -> tuple[Panels, str]:
    """The columns of a log that vary, as (x, y), and the name of the column they are drawn over."""
    if len(rows) < 2:
        return {}, ""
    x_label = next((name for name in STEP_COLUMNS if name in rows[0]), "entry")
    panels: Panels = {}
    for name in rows[0]:
        if name == x_label:
            continue
        points = [(_float(row.get(x_label, str(at))), _float(row[name])) for at, row in enumerate(rows)]
        points = [(x, y) for x, y in points if x == x and y == y]
        if len({y for _, y in points}) > 1:
            panels[name] = ([x for x, _ in points], [y for _, y in points])
    return panels, x_label.replace("_", " ")


def _float(text: str | None) -> float:
    """A number of a log; text in it is not drawn."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
