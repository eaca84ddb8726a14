"""Tables for papers: LaTeX with booktabs, text escaped, numbers with three digits that count."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacuna.formats.files import write_text

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "\N{INFINITY}": r"$\infty$",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{RIGHTWARDS ARROW}": r"$\to$",
}


def write_latex(path: str | Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> None:
    """Write rows under a header as a `table` that needs the package booktabs; the label is the file's name."""
    numeric = [all(_is_number(row[at]) for row in rows) and bool(rows) for at in range(len(columns))]
    lines = [
        "% \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{escape(caption)}}}",
        f"\\label{{tab:{Path(path).stem}}}",
        f"\\begin{{tabular}}{{{''.join('r' if is_number else 'l' for is_number in numeric)}}}",
        "\\toprule",
        " & ".join(escape(name.replace("_", " ")) for name in columns) + r" \\",
        "\\midrule",
        *(" & ".join(_cell(value) for value in row) + r" \\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    write_text(path, "\n".join(lines) + "\n")


def escape(text: str) -> str:
    """Text as LaTeX shows it letter by letter; no character of it is a command."""
    return "".join(_ESCAPES.get(letter, letter) for letter in " ".join(text.split()))


def number(value: float) -> str:
    """Three digits that count, in mathematics where it has a sign or an exponent."""
    if math.isnan(value):
        return "--"
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        text = str(int(value))
    else:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return f"${mantissa} \\cdot 10^{{{int(exponent)}}}$"
    return f"${text}$" if text.startswith("-") else text


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return "--"
    if _is_number(value):
        return number(value)
    return escape({True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value))
