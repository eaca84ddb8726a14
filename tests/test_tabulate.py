"""Stage `tabulate`: tables from elsewhere come in as pixel counts, and what is no table of areas is one line."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import toy

from lacuna.formats import areas, checkpoints, class_lists, moments, tables
from lacuna.stages import moments as moments_stage
from lacuna.stages import tabulate

CLASSES = ["-", "sky", "tree", "person"]


@pytest.fixture
def fractions() -> np.ndarray:
    """(20, 4) areas of images of 32 x 32, as fractions."""
    cuts = np.sort(np.random.default_rng(0).integers(0, 1025, (20, 3)), axis=1)
    return np.diff(np.column_stack([np.zeros(20, int), cuts, np.full(20, 1024)]), axis=1) / 1024


def run(folder: Path, table: Any, first: int = 0, last: int = 9, name: str = "tally.npy", labels: str = "labels.txt",
        **settings: Any) -> areas.ClassAreas:  # fmt: skip
    if isinstance(table, np.ndarray):
        np.save(folder / name, table)
    if not (folder / "labels.txt").exists():
        (folder / "labels.txt").write_text("\n".join(CLASSES) + "\n")
    tabulate.main([
        "--source", str(folder / name), "--labels", str(folder / labels), "--first", str(first), "--last", str(last),
        "--settings", json.dumps({"size": 32, "unit": "fraction"} | settings), "--code", "c",
        "--table", str(folder / "table" / f"{first}-{last}.h5"),
    ])  # fmt: skip
    return areas.read(folder / "table" / f"{first}-{last}.h5")


def test_rows_become_pixels_of_the_classes_listed(tmp_path: Path, fractions: np.ndarray) -> None:
    found = run(tmp_path, fractions, first=5, last=12)
    assert np.array_equal(found.area_px, np.round(fractions[5:13] * 1024)) and found.index.tolist() == [*range(5, 13)]
    assert found.classes == CLASSES and set(found.categories) == {"object"} and found.image_px == 1024


@pytest.mark.parametrize(("unit", "factor"), [("fraction", 1), ("percent", 100), ("pixels", 1024)])
def test_units_are_a_setting(tmp_path: Path, fractions: np.ndarray, unit: str, factor: float) -> None:
    expected = np.round(fractions[:10] * 1024)
    assert np.array_equal(run(tmp_path, (fractions * factor).astype(np.float32), unit=unit).area_px, expected)


def test_hdf5_is_read_by_its_dataset(tmp_path: Path, fractions: np.ndarray) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["group/tally"] = fractions
    expected = np.round(fractions[:10] * 1024)
    assert np.array_equal(run(tmp_path, None, name="t.h5").area_px, expected)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["other"] = fractions[:, ::-1]
    assert np.array_equal(run(tmp_path, None, name="t.h5", dataset="group/tally").area_px, expected)
    with pytest.raises(ValueError, match="dataset None asked for, found tables group/tally, other; set the source's"):
        run(tmp_path, None, name="t.h5")


def test_areas_off_the_pixel_grid_are_rounded_to_whole_images(
    tmp_path: Path, fractions: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    rows = np.random.default_rng(1).dirichlet(np.full(4, 0.3), 10)
    found = run(tmp_path, rows)
    assert (found.area_px.sum(axis=1) == 1024).all() and np.abs(found.area_px - rows * 1024).max() < 1
    assert "no whole pixels of images of 32 x 32" in caplog.text
    caplog.clear()
    run(tmp_path, fractions)
    assert caplog.text == ""


def test_moments_take_them_as_they_take_segments(tmp_path: Path, fractions: np.ndarray) -> None:
    for first in (0, 10):
        run(tmp_path, fractions, first=first, last=first + 9)
    moments_stage.main(["--tables", str(tmp_path / "table"), "--count", "20", "--shard-size", "10", "--moments",
                        str(tmp_path / "m.h5"), "--code", "c"])  # fmt: skip
    found = moments.read(tmp_path / "m.h5").moments
    assert np.allclose(found.mean, 100 * fractions.mean(axis=0), atol=1e-10)
    assert np.allclose(found.cov, 1e4 * np.cov(fractions, rowvar=False), atol=1e-8)


@pytest.mark.parametrize(
    ("row", "value", "settings", "message"),
    [
        (7, [np.nan, 0, 0, 1], {}, "row 7 holds NaN or infinity, expected areas; mend the table"),
        (3, [-0.5, 0.5, 0, 1], {}, "row 3 holds a negative area"),
        (9, [0, 0, 0, 0], {}, "row 9 sums to 0 of the image, expected 1; unit is fraction: correct the source's unit"),
        (0, [0.25, 0.25, 0.25, 0.25], {"unit": "percent"}, "row 0 sums to 0.01 of the image, expected 1; unit is perc"),
        (0, [256, 256, 256, 256], {"unit": "pixels", "size": 64}, "row 0 sums to 0.25 of the image, expected 1"),
    ],
)
def test_rows_that_are_no_areas_of_one_image_are_one_line(
    tmp_path: Path, fractions: np.ndarray, row: int, value: list[float], settings: dict, message: str
) -> None:
    fractions[row] = value
    with pytest.raises(ValueError, match=message) as caught:
        run(tmp_path, fractions, **settings)
    assert "\n" not in str(caught.value) and not (tmp_path / "table").exists()


def test_other_shapes_and_files_are_one_line(tmp_path: Path, fractions: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"3 columns, .*labels\.txt lists 4 classes; give the source the `labels`"):
        run(tmp_path, fractions[:, :3])
    with pytest.raises(ValueError, match="20 rows, row 29 asked for, counted from 0; lower the source's count"):
        run(tmp_path, fractions, last=29)
    with pytest.raises(ValueError, match=r"array of shape \(20,\) and type <U1, expected numbers, one row per image"):
        run(tmp_path, np.array(["a"] * 20))
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY no")
    with pytest.raises(ValueError, match=r"not a readable \.npy file"):
        run(tmp_path, None, name="broken.npy")
    with pytest.raises(FileNotFoundError, match="no such table"):
        run(tmp_path, None, name="none.npy")


def test_classes_are_listed_by_labels_weights_or_text(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps({"object": CLASSES, "material": ["-"]}))
    (tmp_path / "list.txt").write_text("-\nsky \n\ntree\nperson\n")
    checkpoints.save_weights(tmp_path / "net.safetensors", {"w": torch.zeros(1)}, {"classes": {"object": CLASSES}})
    for path in ("labels.json", "", "list.txt", "net.safetensors"):
        assert class_lists.read(tmp_path / path) == CLASSES
    (tmp_path / "labels.json").write_text(json.dumps({"material": ["-"]}))
    with pytest.raises(ValueError, match=r"labels\.json: no list of objects in it \(KeyError 'object'\), expected"):
        class_lists.read(tmp_path / "labels.json")
    (tmp_path / "list.txt").write_text("sky\ntree\nsky\n")
    with pytest.raises(ValueError, match="sky named twice, expected every class once"):
        class_lists.read(tmp_path / "list.txt")


@pytest.mark.workflow
def test_two_tables_go_through_to_the_page(tmp_path: Path) -> None:
    """No image and no segmenter is needed: a table that lists its own classes, against one that halves the persons."""
    copy = toy.copy_workflow(tmp_path)
    rng = np.random.default_rng(2)
    for name, share in (("tally", 1.0), ("other", 0.5)):
        person = (rng.random(400) < 0.5 * share) * rng.integers(20, 99, 400)
        sky = rng.integers(100, 400, 400)
        np.save(copy / f"{name}.npy", np.column_stack([np.zeros(400), sky, 1024 - sky - person, person]) / 1024)
    (copy / "labels.txt").write_text("\n".join(CLASSES))
    table = {"kind": "table", "count": 400, "size": 32, "labels": "labels.txt"}
    toy.write_config(copy, {
        "seed": 1, "report": "tables", "shard_size": {"images": 150},
        "sources": {name: table | {"path": f"{name}.npy"} for name in ("tally", "other")},
        "segmenters": {"elsewhere": {"family": "upp", "checkpoint": "nowhere"}},
        "comparisons": [{"real": "tally", "generated": "other", "segmenter": "elsewhere"}],
    })  # fmt: skip
    toy.snakemake(copy)
    rows = tables.read_tsv(copy / "results/fsd/elsewhere/tally~other.tsv")
    assert {row["class"]: row["verdict"] for row in rows}["person"] == "reduced"
    assert (copy / "results/tabulate/elsewhere/tally/300-399.h5").exists() and not (copy / "results/segment").exists()
    page = (copy / "results/report/tables.html").read_text()
    assert "other" in page and "Contact sheet" not in page
