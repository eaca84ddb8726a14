"""Stage `calibrate`: the table of rates, the required ones on the terminal, and that bad input is one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacuna.config.shards import shards
from lacuna.formats import planted, tables
from lacuna.runtime.provenance import Provenance
from lacuna.stages import calibrate

CLASSES = ["-", "ground", "tree", "person"]
SETTINGS: dict[str, Any] = {
    "strengths": [0, 0.5, 1], "counts": [200, 2000], "comparisons": 4, "null_comparisons": 5, "permutations": 199,
}  # fmt: skip
VERDICTS = {"omitted_below": 0.2, "changed_by": 0.1, "q_below": 0.05, "presence_percent": 0.2, "confidence": 0.95}
COUNT, SHARD, IMAGE_PX = 4000, 1500, 1000


def plant(folder: Path, count: int = COUNT, blind: bool = False) -> Path:
    """Tables as plant writes them; a blind segmenter sees every person that is left out."""
    rng = np.random.default_rng(0)
    objects = (rng.random((count, 2)) < (0.5, 0.2)) * rng.integers(50, 150, (count, 2))
    for shard in shards(count, SHARD):
        rows, index, omitted = [], [], []
        for scene in range(shard.first, shard.last + 1):
            for position in (0, *(2 + np.flatnonzero(objects[scene]))):
                index.append(scene)
                omitted.append(position)
                kept = objects[scene] * (np.arange(2, 4) != position)
                rows.append([0, IMAGE_PX - kept.sum(), *kept])
        exact = np.array(rows, dtype=np.uint32)
        seen = exact.copy()
        if blind:
            seen[np.array(omitted) == 3, 3] = 100
        table = planted.PlantedAreas(np.array(index), np.array(omitted), exact, seen, CLASSES, IMAGE_PX)
        planted.write(folder / f"{shard.name}.h5", table, Provenance("plant", "abc"))
    return folder


def run(folder: Path, count: int = COUNT, **settings: Any) -> tuple[list[dict[str, str]], dict[str, Any]]:
    out = folder.parent
    calibrate.main([
        "--tables", str(folder), "--count", str(count), "--shard-size", str(SHARD), "--settings",
        json.dumps(SETTINGS | settings), "--verdicts", json.dumps(VERDICTS), "--seed", "1", "--code", "c0de",
        "--tsv", str(out / "out.tsv"), "--summary", str(out / "out.json"),
    ])  # fmt: skip
    return tables.read_tsv(out / "out.tsv"), tables.read_json(out / "out.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("planted") / "tables")


def test_every_cell_of_the_grid_has_a_row_and_required_rates_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, summary = run(folder)
    assert list(rows[0]) == list(calibrate.COLUMNS)
    cells = {(row["areas"], row["class"], float(row["strength"]), int(row["num_images"])) for row in rows}
    kinds, counts = ("exact", "segmented"), (200, 2000)
    expected = {(kind, name, 0.0, count) for kind in kinds for name in CLASSES[1:] for count in counts}
    expected |= {(kind, name, s, n) for kind in kinds for name in CLASSES[2:] for s in (0.5, 1.0) for n in counts}
    assert cells == expected and len(rows) == len(expected)
    for row in rows:
        words = sum(float(row[word]) for word in ("omitted", "reduced", "excess", "kept", "undecided"))
        assert words == pytest.approx(1) and int(row["comparisons"]) == (5 if row["strength"] == "0.0" else 4)
        assert (row["found"] == "nan") == (row["strength"] == "0.0")
    gone = [row for row in rows if row["strength"] == "1.0" and row["num_images"] == "2000"]
    assert all(row["omitted"] == row["found"] == "1.0" for row in gone)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(summary["rates"]) == 2 * (2 + 2) and all(line.endswith(", met") for line in lines)
    assert "segmented areas: full omissions found, n = 2000: 100.00 % of 8, required at least 99 %" in lines[6]


def test_a_missed_rate_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, summary = run(plant(tmp_path / "tables", blind=True), strengths=[1], counts=[2000])
    assert "segmented areas: full omissions found, n = 2000: 50.00 % of 8" in capsys.readouterr().out
    assert [(rate["areas"], rate["met"]) for rate in summary["rates"]] == [("exact", True), ("segmented", False)]


def test_the_same_seed_gives_the_same_bytes_and_rows_do_not_depend_on_others(folder: Path) -> None:
    rows, _ = run(folder)
    before = (folder.parent / "out.tsv").read_bytes()
    run(folder)
    assert (folder.parent / "out.tsv").read_bytes() == before
    fewer, _ = run(folder, strengths=[0.5], counts=[200])
    assert fewer == [row for row in rows if row["strength"] == "0.5" and row["num_images"] == "200"]


def test_missing_scenes_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="1500-1999"):
        run(folder, count=2000)
    table = planted.read(folder / "0-1499.h5")
    kept = table.index != 7
    arrays = {name: getattr(table, name)[kept] for name in planted.ARRAYS}
    planted.write(
        tmp_path / "tables/0-1499.h5",
        planted.PlantedAreas(**arrays, classes=CLASSES, image_px=IMAGE_PX),
        Provenance("plant", "abc"),
    )
    with pytest.raises(ValueError, match="1499 scenes, expected 0 to 1499; delete it and run plant again"):
        run(tmp_path / "tables", count=1500, counts=[500])
