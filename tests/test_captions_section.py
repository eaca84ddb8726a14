"""What the page says of samples beside the photos of their captions."""

from pathlib import Path
from typing import Any

import pytest
import toy

from lacuna.formats import paired, tables
from lacuna.report import render
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page
from lacuna.report.sections.captions import content
from lacuna.report.sections.captions.content import Captions, Row

TEXTS = {"family": "diffusers", "checkpoint": "folder", "prompts": "captions.csv"}


@pytest.fixture
def page(tmp_path: Path) -> Page:
    config: dict[str, Any] = {
        "sources": {
            "photos": {"kind": "folder", "path": "photos"},
            "drawn": {"kind": "generator", "generator": "texts", "count": 40},
        },
        "segmenters": {"net": {"family": "upernet", "checkpoint": "net.safetensors"}},
        "generators": {"texts": TEXTS},
        "comparisons": [{"real": "photos", "generated": "drawn", "segmenter": "net", "paired": True}],
    }
    rows = [
        ("-", "object", 40, 0, 0, 1.0, 0.9, 1.0, 1.0, 1.0, 0, 0),
        ("person", "object", 4, 16, 0, 0.2, 0.08, 0.42, 3e-5, 1e-4, 20, 15),
        ("<b>car", "object", 9, 1, 2, 0.9, 0.6, 0.98, 1.0, 1.0, 8, 8),
        ("dragon", "object", 0, 0, 0, *[float("nan")] * 5, 0, 0),
        ("wheel", "part", 9, 9, 0, 0.5, 0.3, 0.7, 0.004, 0.004, 0, 0),
    ]
    paired.write(tmp_path / "paired/net/photos~drawn.tsv", rows)
    tables.write_json(
        tmp_path / "paired/net/photos~drawn.json", {"num_pairs": 40, "warnings": ["2 of 42 captions have no photo"]}
    )
    return Page(Inputs(toy.configuration(**config), tmp_path), "code", tmp_path / "page.html", None)


def test_the_section_says_what_is_lost_and_what_was_asked_for_in_vain(page: Page) -> None:
    section = page.section(Captions)
    assert section is not None
    (pairs,) = section.comparisons
    assert [row.name for row in pairs.rows] == ["person", "<b>car"]  # of the configured category, and seen
    assert (pairs.rows[1].num_photos, pairs.rows[1].num_samples) == (10, 11)
    percent = "\N{NARROW NO-BREAK SPACE}%"
    assert pairs.lost == (
        f"Of 20 photos that show person, 20{percent} [8{percent}, 42{percent}] have a sample that shows it too."
    )
    # A car is asked for by 8 prompts, too few for a sentence.
    assert pairs.unheeded == f"20 prompts ask for person by name, and 75{percent} of their samples do not show it."
    html = render.page("toy", "description", "code", [("captions", "Captions", section)])
    assert pairs.lost in html and "2 of 42 captions have no photo." in html
    assert "&lt;b&gt;car" in html and "<b>car" not in html
    (table,) = section.tables()
    assert table.columns[0] == "name" and len(table.rows) == 2


def test_nothing_is_claimed_without_evidence() -> None:
    rows = [Row("sky", 20, 18, 0.9, 0.7, 0.97, 0.5, 3, 3), Row("sun", 2, 9, 1.0, 0.3, 1.0, 0.01, 0, 0)]
    assert content.lost("drawn", rows, 0.05) == (
        "No class shows in fewer samples of drawn than in their photos beyond doubt."
    )
    assert content.unheeded(rows) == ""
    short = [
        Row(name, 20, 5, kept, 0.1, 0.4, 0.001, 0, 0) for name, kept in (("car", 0.3), ("bus", 0.2), ("van", 0.25))
    ]
    assert content.lost("drawn", short, 0.05).endswith("Shown less often than in the photos, too: van and car.")


def test_a_page_without_captions_has_no_section_about_them(page: Page) -> None:
    config = page.inputs.config
    plain = [entry.model_copy(update={"paired": False}) for entry in config.comparisons]
    other = Inputs(config.model_copy(update={"comparisons": plain}), page.inputs.results)
    assert Page(other, "code", page.html, None).section(Captions) is None
