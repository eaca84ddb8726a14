"""experiments/planted.yaml at a tenth of its size: the world against itself, through the demo's trained segmenter."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import toy
import yaml

from lacuna.formats import tables

pytestmark = pytest.mark.workflow

CHANGED = ("omitted", "reduced", "excess")


@pytest.fixture(scope="module")
def overlay() -> dict[str, Any]:
    """The experiment with 600 images per side and a pool of 160 scenes."""
    found: dict[str, Any] = yaml.safe_load((toy.ROOT / "experiments" / "planted.yaml").read_text())
    for name, count in (("world_whole", 600), ("world_planted", 600), ("world_pool", 160)):
        found["sources"][name]["count"] = count
    found["calibrate"] |= {"counts": [80], "strengths": [0, 1], "comparisons": 2, "null_comparisons": 5}
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, overlay: dict[str, Any]) -> Path:
    """The workflow with the demo's configuration and weights."""
    found = toy.copy_workflow(tmp_path_factory.mktemp("planted"))
    shutil.copy(toy.ROOT / "config.yaml", found)
    shutil.copytree(toy.ROOT / "workflow" / "demo", found / "workflow" / "demo")
    toy.write_config(found, overlay, "planted.yaml")
    return found


def test_exactly_what_was_planted_is_flagged(copy: Path, overlay: dict[str, Any]) -> None:
    toy.snakemake(copy, "--configfile", "planted.yaml")
    rows = tables.read_tsv(copy / "results/fsd/chapel/world_whole~world_planted.tsv")
    planted = overlay["sources"]["world_planted"]
    expected = dict.fromkeys(planted["omit"], "omitted")
    expected |= {name: "reduced" if factor < 1 else "excess" for name, factor in planted["scale"].items()}
    assert {row["class"]: row["verdict"] for row in rows if row["verdict"] in CHANGED} == expected
    assert "draws" in (copy / "results/report/planted.html").read_text()


def test_calibrate_prints_the_required_rates(copy: Path) -> None:
    text = toy.snakemake(copy, "calibrate", "--configfile", "planted.yaml")
    for kind in ("exact", "segmented"):
        assert f"calibrate, {kind} areas: false positives under no change, n = 80: " in text
    rows = tables.read_tsv(copy / "results/calibrate/chapel.tsv")
    gone = [row for row in rows if row["areas"] == "segmented" and row["strength"] == "1.0"]
    assert len(gone) == 11
    # None of 80 images leaves up to 4.6 % possible (Wilson, 95 %): under a fifth of what was there, if that was 23 %.
    for row in gone:
        words = ("omitted",) if float(row["presence"]) > 0.3 else ("omitted", "reduced")
        assert sum(float(row[word]) for word in words) == 1, f"{row['class']}: left out of all 80 images, not seen"
    assert toy.planned(copy, "calibrate", "--configfile", "planted.yaml") == {}
