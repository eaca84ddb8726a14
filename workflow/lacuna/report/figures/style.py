"""The look that all figures and the page share: colours, type, and how a figure becomes SVG or PDF.

Colours are chosen to stay apart for colour-blind readers and in greyscale; a test measures both. The page gives each a
second value for dark backgrounds: `inline_svg` writes `var(--name, #hex)` in place of every colour named here.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

INK = {
    "ink": "#1b1d22",
    "faint": "#6a707b",
    "rule": "#dcdfe5",
    "paper": "#ffffff",
    "real": "#2f343d",
    "generated": "#8d95a3",
}
VERDICTS = {  # from what a generator lacks, through what it keeps, to what it overdoes
    "omitted": "#74101f",
    "reduced": "#ea9a45",
    "kept": "#d5d9e0",
    "excess": "#3a78ba",
    "undecided": "#fdfdfc",  # drawn with an outline
}
DARK = {
    "ink": "#e8eaee",
    "faint": "#9aa1ad",
    "rule": "#33383f",
    "paper": "#15171b",
    "real": "#dfe3ea",
    "generated": "#7d8694",
    "omitted": "#ffb3a6",
    "reduced": "#d1882c",
    "kept": "#474d57",
    "excess": "#4a7fc0",
    "undecided": "#16181c",
}
WIDTH_IN = 9.2  # of a full-width figure

_RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib; the page replaces it by the reader's own
    "font.size": 8,
    "axes.edgecolor": INK["faint"],
    "axes.labelcolor": INK["faint"],
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK["ink"],
    "axes.titlelocation": "left",
    "grid.color": INK["rule"],
    "grid.linewidth": 0.6,
    "text.color": INK["ink"],
    "text.parse_math": False,  # a class name with a dollar sign is no formula
    "xtick.color": INK["faint"],
    "ytick.color": INK["faint"],
    "xtick.labelcolor": INK["ink"],
    "ytick.labelcolor": INK["faint"],
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "lacuna",
    "savefig.transparent": True,
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw within this: the house style, and nothing left changed afterwards."""
    with matplotlib.rc_context(_RC):
        yield


def inline_svg(figure: Figure, label: str) -> str:
    """The figure as an `<svg>` element for the page; it takes its colours and font from there.

    Args:
        label: what the figure shows, for those who do not see it.
    """
    text = _render(figure, "svg").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    opening = text[: text.index(">") + 1]
    view_box = re.search(r'viewBox="[^"]+"', opening)
    assert view_box, "matplotlib writes a viewBox"
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    text = f'<svg {names} {view_box[0]} role="img" {_aria(label)}>' + text[len(opening) :]
    for name, colour in (INK | VERDICTS).items():
        text = text.replace(f": {colour}", f": var(--{name}, {colour})")
    return re.sub(r"\n\s*", "\n", text)


def save(figure: Figure, path: Path, kind: str = "") -> None:
    """Write the figure as `kind`, or else the path's suffix, says: svg or pdf, the same bytes for the same figure."""
    path.write_bytes(_render(figure, kind or path.suffix[1:]))


def _render(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with drawing():
        figure.savefig(buffer, format=kind, metadata=dates[kind])
        figure.set_layout_engine("none")  # laid out once; every further format is the same picture
    return buffer.getvalue()


def _aria(label: str) -> str:
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return f'aria-label="{escaped}"'
