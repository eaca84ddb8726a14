"""What the page says of two segmenters on one comparison."""

from pathlib import Path
from typing import Any

import pytest
import toy

from lacuna.areas.agreement import CAUTION, COLUMNS
from lacuna.formats import tables
from lacuna.report import render
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page
from lacuna.report.sections.agreement.content import Agreement

NAN = float("nan")


def page_of(folder: Path, agreements: list[dict[str, Any]]) -> Page:
    config: dict[str, Any] = {
        "sources": {name: {"kind": "folder", "path": name} for name in ("photos", "drawn")},
        "segmenters": {name: {"family": "upernet", "checkpoint": "net.safetensors"} for name in ("one", "other")},
        "agreements": agreements,
    }
    return Page(Inputs(toy.configuration(**config), folder), "code", folder / "page.html", None)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    rows = [
        ("person", "human", "omitted", "omitted", "omitted", -1.0, -0.9, 0.8, 0.7, ""),
        ("<b>car", "<b>car", "omitted", "kept", "differ", -1.0, 0.0, 0.8, 0.2, CAUTION),
        ("sky", "sky", "kept", "kept", "kept", 0.0, 0.0, 0.9, 0.9, ""),
        ("lamp", "", "kept", "", "single", 0.0, "", NAN, NAN, ""),
    ]
    stem = tmp_path / "agreement/one~other/photos~drawn"
    tables.write_tsv(stem.with_suffix(".tsv"), COLUMNS, rows)
    sides = {"real": (0.9, 0.88, 0.92), "generated": (0.5, 0.45, 0.55)}
    summary = {
        "segmenters": ["one", "other"], "omitted_by_both": ["person"], "num_pairs": 3, "num_equal": 2,
        "omitted_only_by": {"one": ["<b>car"], "other": []}, "single": {"one": ["lamp"], "other": []},
        "labels": {name: dict(zip(("agreement", "low", "high"), side, strict=True)) for name, side in sides.items()},
        "warnings": ["one and other are out of their depth"],
    }  # fmt: skip
    tables.write_json(stem.with_suffix(".json"), summary)
    return page_of(tmp_path, [{"real": "photos", "generated": "drawn", "segmenters": ["one", "other"]}])


def test_the_section_says_what_both_omit_and_what_one_does(page: Page) -> None:
    section = page.section(Agreement)
    assert section is not None
    (pair,) = section.pairs
    assert pair.both == (
        "Omitted by both: person. Omitted only by one: <b>car. Of 3 classes that both know, 2 get the same verdict."
    )
    percent = "\N{NARROW NO-BREAK SPACE}%"
    assert f"90{percent} [88{percent}, 92{percent}] of the pixels of real images" in pair.labels
    assert [row.name for row in pair.rows] == ["person", "<b>car"]  # what both keep says little
    html = render.page("toy", "description", "code", [("agreement", "Agreement", section)])
    assert "one and other are out of their depth." in html and CAUTION in html
    assert "&lt;b&gt;car" in html and "<b>car" not in html
    assert "human</small>" in html and "Known to one alone, one: lamp." in html
    (table,) = section.tables()
    assert len(table.rows) == 2


def test_a_page_of_one_segmenter_has_no_such_section(tmp_path: Path) -> None:
    assert page_of(tmp_path, []).section(Agreement) is None
