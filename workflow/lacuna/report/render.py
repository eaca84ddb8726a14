"""The templates. Everything that goes in is escaped but figures, which escape their own text."""

import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from lacuna.report import words
from lacuna.report.figures.style import DARK, INK, VERDICTS
from lacuna.report.page import Section

ROWS_AT_A_TIME = 12  # of a gallery; more are shown when asked for
ROOM = Path(__file__).parent
TEMPLATES = ROOM / "templates"


def page(name: str, description: str, code: str, sections: Iterable[tuple[str, str, Section]]) -> str:
    """The page as one HTML document.

    Args:
        name: of the report.
        description: one sentence about it.
        code: digest of the code that makes it.
        sections: name, title and content.
    """
    templates = _environment(name)
    shown = [(anchor, title, _section(templates, anchor, content)) for anchor, title, content in sections]
    return templates.get_template("page.html").render(description=description, code=code, sections=shown)


def _section(templates: jinja2.Environment, name: str, content: Section) -> Markup:
    """One section by its own template."""
    variables = {field.name: getattr(content, field.name) for field in fields(content)}
    return Markup(templates.get_template(f"{name}/content.html").render(variables))


def _environment(report: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, ROOM / "sections"]),
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
        "report": report,
        "step": ROWS_AT_A_TIME,
        "light": INK | VERDICTS,
        "dark": DARK,
        "css": Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        "js": Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
    }
    return environment


def lighter(sentence: str) -> Markup:
    """A headline whose intervals are set in a lighter type."""
    return Markup(re.sub(r"\[[^\[\]&<>]*\]", r'<span class="interval">\g<0></span>', str(escape(sentence))))
