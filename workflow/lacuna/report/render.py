"""The templates. Everything that goes in is escaped but figures, which escape their own text."""

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from lacuna.report import words
from lacuna.report.figures.style import DARK, INK, VERDICTS

ROWS_AT_A_TIME = 12  # of a gallery; more are shown when asked for
TEMPLATES = Path(__file__).parent / "templates"


def page(**context: Any) -> str:
    """The page as one HTML document."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "area": words.area,
        "lighter": lighter,
        "number": words.number,
        "share": words.share,
        "signed": words.signed,
        "thousands": words.thousands,
    }
    environment.globals |= {
        "step": ROWS_AT_A_TIME,
        "light": INK | VERDICTS,
        "dark": DARK,
        "css": Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        "js": Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
    }
    return environment.get_template("page.html").render(**context)


def lighter(sentence: str) -> Markup:
    """A headline whose intervals are set in a lighter type."""
    return Markup(re.sub(r"\[[^\[\]&<>]*\]", r'<span class="interval">\g<0></span>', str(escape(sentence))))
