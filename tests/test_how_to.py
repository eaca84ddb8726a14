"""What docs/how_to tells to add can be added: each page is followed in a copy, and what it adds is run there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import how_to
import numpy as np
import pytest
import report_results
import tables_on_disk
import toy

from lacuna.formats import tables
from lacuna.stages import moments

PAGES = ("add_a_metric", "add_a_section", "add_a_stage")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return toy.copy_workflow(tmp_path)


def run(copy: Path, *words: str) -> str:
    """Run a module of the copy; its output."""
    environment = os.environ | {"PYTHONPATH": str(copy / "workflow")}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True, text=True).stdout


def test_every_page_has_its_test() -> None:
    assert sorted(path.stem for path in (toy.ROOT / "docs" / "how_to").glob("*.md")) == sorted(PAGES)


def test_a_metric(copy: Path, tmp_path: Path) -> None:
    how_to.follow("add_a_metric", copy)
    flags, mean = [], []
    for seed, side in enumerate(("real", "generated")):
        rows_NC = tables_on_disk.drawn(60, seed, (1, 1, 1 - 0.5 * seed, 1))
        tables_on_disk.write(tmp_path / side, rows_NC, 60)
        path = tmp_path / f"{side}.h5"
        told = ["--tables", str(tmp_path / side), "--count", "60", "--shard-size", "60", "--code", "c0de"]
        moments.main([*told, "--moments", str(path)])
        flags += [f"--{side}-moments", str(path), f"--{side}-tables", str(tmp_path / side), f"--{side}-count", "60"]
        mean.append(rows_NC[:, :6].mean(axis=0) / tables_on_disk.IMAGE_PX)
    written = ["--summary", str(tmp_path / "found.json"), "--tsv", str(tmp_path / "found.tsv")]
    flags += ["--shard-size", "60", "--settings", "{}", "--seed", "0", "--code", "c0de", *written]
    run(copy, "lacuna.stages.fsd", *flags)
    found = tables.read_json(tmp_path / "found.json")
    assert found["total_variation"] == pytest.approx(np.abs(mean[0] - mean[1]).sum() / 2)
    assert "total_variation" in found["by_category"]["part"]
    assert "| `total_variation` |" in run(copy, "lacuna.metrics.documentation")


def test_a_section(copy: Path, tmp_path: Path) -> None:
    how_to.follow("add_a_section", copy)
    results, page = report_results.build(tmp_path / "made"), tmp_path / "page.html"
    told = {"settings": report_results.config(), "results": str(results), "html": str(page), "code": "c0de"}
    run(copy, "lacuna.stages.report", "--job", json.dumps(told))
    text = page.read_text(encoding="utf-8")
    assert '<a href="#counts">Images</a>' in text
    assert (
        text.index('<section id="training">') < text.index('<section id="counts">') < text.index('<section id="run">')
    )


@pytest.mark.workflow
def test_a_stage(copy: Path) -> None:
    how_to.follow("add_a_stage", copy)
    toy.snakemake(copy, "brightness")
    rows = tables.read_tsv(copy / "results" / "brightness" / "scenes" / "0-19.tsv")
    assert [int(row["index"]) for row in rows] == list(range(20))
    assert all(0 < float(row["brightness"]) < 1 for row in rows)
