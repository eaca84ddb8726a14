"""Stage `fsd`: what it writes, that it is the same every time, and that bad input is one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables_on_disk

from lacuna import metrics
from lacuna.areas import verdicts
from lacuna.formats import sides, tables
from lacuna.stages import fsd, moments

SETTINGS: dict[str, Any] = {
    "category": "object",
    "presence_percent": 0.2,
    "resamples": 20,
    "permutations": 499,
    "confidence": 0.95,
    "omitted_below": 0.2,
    "changed_by": 0.1,
    "q_below": 0.05,
}


def source(folder: Path, name: str, area_px: np.ndarray, **other: Any) -> None:
    """Tables and moments of one source."""
    tables_on_disk.write(folder / name, area_px, 100, **other)
    moments.main(
        [
            "--tables",
            str(folder / name),
            "--count",
            str(len(area_px)),
            "--shard-size",
            "100",
            "--moments",
            str(folder / f"{name}.h5"),
            "--code",
            "c0de",
        ]
    )


def run(folder: Path, real_count: int, generated_count: int, **settings: Any) -> tuple[dict[str, Any], list[dict]]:
    """Run the stage on the sources `real` and `generated`; its summary and rows."""
    argv = ["--settings", json.dumps(SETTINGS | settings), "--seed", "1", "--code", "c0de", "--shard-size", "100"]
    for side, count in (("real", real_count), ("generated", generated_count)):
        argv += [f"--{side}-moments", str(folder / f"{side}.h5"), f"--{side}-tables", str(folder / side)]
        argv += [f"--{side}-count", str(count)]
    fsd.main([*argv, "--summary", str(folder / "out.json"), "--tsv", str(folder / "out.tsv")])
    return tables.read_json(folder / "out.json"), tables.read_tsv(folder / "out.tsv")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[dict]]:
    """A generator that never draws people and halves the fences, 600 images per side."""
    folder = tmp_path_factory.mktemp("compared")
    source(folder, "real", tables_on_disk.drawn(600, seed=0))
    source(folder, "generated", tables_on_disk.drawn(600, seed=1, factors=(1, 1, 0, 0.5)))
    return folder, *run(folder, 600, 600)


def test_the_summary_holds_the_distance_its_parts_and_its_uncertainty(compared: tuple) -> None:
    _, summary, rows = compared
    assert summary["fsd"] == pytest.approx(summary["mean_term"] + summary["covariance_term"], abs=1e-9)
    assert (summary["num_real"], summary["num_generated"], summary["baseline_num"]) == (600, 600, 300)
    assert (
        summary["baseline_low"] <= summary["baseline_fsd"] <= summary["baseline_high"] < summary["fsd_at_baseline_num"]
    )
    assert 0 < summary["fsd_infinity_low"] < summary["fsd_infinity"] < summary["fsd_infinity_high"]
    assert summary["fsd_infinity"] < summary["fsd"]
    assert summary["sample_sizes"][0]["fsd"] == pytest.approx(summary["fsd"], abs=1e-9)
    assert summary["num_classes"] == 5 and summary["unit"] == "percent" and summary["warnings"] == []
    assert sum(float(row["fsd_contribution"]) for row in rows if row["category"] == "object") == pytest.approx(
        summary["fsd"], abs=1e-8
    )
    assert "person" in summary["class_pairs"][0]["classes"]
    assert set(summary["by_category"]) == {"object", "part"}


def test_other_statistics_of_the_same_tables_stand_beside_it_for_every_category(compared: tuple) -> None:
    _, summary, _ = compared
    for category, found in summary["by_category"].items():
        assert found["kernel_low"] <= found["kernel_distance"] <= found["kernel_high"] and found["kernel_num"] == 600
        assert found["manifold_num"] == 300 and 0 < found["baseline_recall"] <= 1 and found["baseline_precision"] > 0
        assert found["at_work"] in ("dropping", "inventing", "both", "neither")
        assert found["baseline_fsd"] > 0 and found["sample_sizes"], category
        assert {key: summary[key] for key in found} == found or category != "object"
    assert summary["kernel_low"] > 0 and summary["recall"] < summary["baseline_recall"]
    assert summary["at_work"] == "dropping"


def test_every_number_of_a_category_has_a_column_and_every_column_a_number(compared: tuple) -> None:
    _, summary, rows = compared
    names = [name for metric in metrics.METRICS for name in metric.names]
    assert len(set(names)) == len(names)
    assert set(summary["by_category"]["part"]) == set(names)
    assert list(rows[0]) == list(verdicts.COLUMNS)


def test_the_chunks_in_which_tables_are_read_do_not_matter(compared: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, summary, rows = compared
    monkeypatch.setattr(sides, "CHUNK_ROWS", 150)
    again, other_rows = run(folder, 600, 600)
    assert again["fsd_infinity_high"] == pytest.approx(summary["fsd_infinity_high"], rel=1e-9)
    assert other_rows == rows and again["recall"] == summary["recall"]


def test_every_class_has_a_verdict_in_the_columns_promised(compared: tuple) -> None:
    folder, _, rows = compared
    header = (folder / "out.tsv").read_text().splitlines()[0]
    assert header.split("\t") == list(verdicts.COLUMNS)
    found = {row["class"]: row["verdict"] for row in rows}
    assert list(found) == tables_on_disk.CLASSES
    assert found["person"] == "omitted" and found["fence"] == "reduced" and found["dragon"] == "undecided"
    assert found["-"] == "kept"
    assert {row["class"]: row["relative_delta"] for row in rows}["dragon"] == "nan"


def test_the_same_seed_gives_the_same_bytes(compared: tuple) -> None:
    folder, *_ = compared
    run(folder, 600, 600)
    before = [(folder / name).read_bytes() for name in ("out.json", "out.tsv")]
    run(folder, 600, 600)
    assert [(folder / name).read_bytes() for name in ("out.json", "out.tsv")] == before


def test_a_source_is_at_distance_zero_from_itself(tmp_path: Path) -> None:
    for side in ("real", "generated"):
        source(tmp_path, side, tables_on_disk.drawn(60, seed=0))
    summary, rows = run(tmp_path, 60, 60)
    assert abs(summary["fsd"]) < 1e-9
    assert {row["p_value"] for row in rows} == {"1.0", "nan"}


def test_one_image_on_a_side_has_no_verdict(tmp_path: Path) -> None:
    source(tmp_path, "real", tables_on_disk.drawn(1, seed=0))
    source(tmp_path, "generated", tables_on_disk.drawn(30, seed=1))
    summary, rows = run(tmp_path, 1, 30)
    assert {row["verdict"] for row in rows} == {"undecided"}
    assert any(warning.startswith("1 real image: nothing is known") for warning in summary["warnings"])
    assert not any("the verdicts hold" in warning for warning in summary["warnings"])


@pytest.mark.parametrize(("num_real", "num_generated"), [(1, 300), (300, 1), (1, 1)])
def test_one_image_is_no_ground_to_call_a_class_omitted(tmp_path: Path, num_real: int, num_generated: int) -> None:
    """It shows everything and hundreds of the other side show no person, or the reverse."""
    shown = np.array([[600, 100, 100, 100, 124, 0, 25, 75]], np.uint32)
    for name, count in (("real", num_real), ("generated", num_generated)):
        drawn = tables_on_disk.drawn(count, seed=1, factors=(1, 1, 0, 1))
        source(tmp_path, name, shown if count == 1 else drawn)
    summary, rows = run(tmp_path, num_real, num_generated)
    assert {row["verdict"] for row in rows} == {"undecided"}
    assert {row["delta_low"] for row in rows} == {row["delta_high"] for row in rows} == {"nan"}
    assert not any("the verdicts hold" in warning for warning in summary["warnings"])


def test_the_same_images_in_another_order_are_at_distance_zero(tmp_path: Path) -> None:
    area_px, order = tables_on_disk.drawn(137, seed=0), np.random.default_rng(1).permutation(137)
    content = np.arange(137, dtype=np.uint64) * np.uint64(2**50)
    source(tmp_path, "real", area_px, content=content)
    source(tmp_path, "generated", area_px[order], content=content[order])
    summary, _ = run(tmp_path, 137, 137)
    assert (summary["fsd"], summary["mean_term"], summary["covariance_term"]) == (0.0, 0.0, 0.0)
    assert summary["num_shared"] == 137
    assert summary["warnings"] == ["both sides hold the same images, so their distance is 0"]


def test_generated_images_that_are_real_ones_are_counted(tmp_path: Path) -> None:
    content = np.arange(100, dtype=np.uint64)
    source(tmp_path, "real", tables_on_disk.drawn(100, seed=0), content=content)
    source(tmp_path, "generated", tables_on_disk.drawn(100, seed=1), content=content + np.uint64(70))
    summary, _ = run(tmp_path, 100, 100)
    assert summary["num_shared"] == 30 and summary["fsd"] > 0
    assert summary["warnings"] == ["30 of 100 generated images are also among the real ones"]


def test_the_confidence_is_that_of_every_interval(compared: tuple) -> None:
    folder, summary, rows = compared
    narrow, narrow_rows = run(folder, 600, 600, confidence=0.5)
    for name in ("baseline", "fsd_infinity", "kernel"):
        wide, slim = (found[f"{name}_high"] - found[f"{name}_low"] for found in (summary, narrow))
        assert slim < 0.6 * wide, name  # a normal interval at 50 % has 0.34 of the width at 95 %; 10 splits are few
    for before, after in zip(rows[:5], narrow_rows[:5], strict=True):
        assert float(after["delta_high"]) < float(before["delta_high"]), before["class"]
    run(folder, 600, 600)  # as the other tests expect it


def test_a_source_against_itself_is_at_distance_zero(tmp_path: Path) -> None:
    for name in ("real", "generated"):
        source(tmp_path, name, tables_on_disk.drawn(37, seed=0))
    summary, _ = run(tmp_path, 37, 37)
    assert (summary["fsd"], summary["mean_term"], summary["covariance_term"]) == (0.0, 0.0, 0.0)


def test_few_and_unequal_images_are_warned_of(tmp_path: Path) -> None:
    source(tmp_path, "real", tables_on_disk.drawn(5, seed=0))
    source(tmp_path, "generated", tables_on_disk.drawn(40, seed=1))
    summary, _ = run(tmp_path, 5, 40)
    text = "\n".join(summary["warnings"])
    assert "5 real images for 5 live classes: the covariance is singular" in text
    assert "5 real and 40 generated images" in text and "fewer than 12 images on a side" in text
    assert summary["fsd_infinity"] is summary["baseline_fsd"] is None and summary["fsd"] > 0


def test_sides_that_cannot_be_compared_are_one_line(tmp_path: Path) -> None:
    area_px = tables_on_disk.drawn(20, seed=0)
    source(tmp_path, "real", area_px)
    source(tmp_path, "generated", area_px, classes=["-", "sky", "bush", *tables_on_disk.CLASSES[3:]])
    with pytest.raises(ValueError, match="differ, first in 'tree' and 'bush'; segment both sources with one segmenter"):
        run(tmp_path, 20, 20)
    larger = area_px.copy()
    larger[:, 0] += 1024
    source(tmp_path, "generated", larger, image_px=2048)
    with pytest.raises(ValueError, match="real images have 1024 pixels, generated ones 2048, expected one size"):
        run(tmp_path, 20, 20)
    source(tmp_path, "generated", area_px)
    with pytest.raises(ValueError, match=r"fsd\.category: 'material' is not in the tables, which hold object, part"):
        run(tmp_path, 20, 20, category="material")
    source(tmp_path, "generated", area_px[:10])
    tables_on_disk.write(tmp_path / "generated", area_px, 100)
    with pytest.raises(ValueError, match=r"moments of other tables than .*generated; delete it and run moments again"):
        run(tmp_path, 20, 20)


@pytest.mark.parametrize(
    ("real", "generated", "warned"),
    [
        ((256, 256), (32, 32), False),  # the segmenter sees 32 x 32 in both
        ((16, 400), (16, 90), False),
        ((256, 256), (16, 16), True),
        ((20, 256), (16, 256), True),
    ],
)
def test_different_resolutions_are_said(
    tmp_path: Path, real: tuple[int, int], generated: tuple[int, int], warned: bool
) -> None:
    low, high = (real[0], real[0]), (real[0], real[1])  # two shards
    source(tmp_path, "real", tables_on_disk.drawn(150, seed=0), resolutions=[low, high])
    source(tmp_path, "generated", tables_on_disk.drawn(150, seed=1), resolutions=[generated])
    summary, _ = run(tmp_path, 150, 150)
    assert summary["resolution"] == {"segmented": 32, "real": list(real), "generated": list(generated)}
    found = [text for text in summary["warnings"] if "matched" in text]
    assert bool(found) == warned
    assert not warned or "`size: 16`" in found[0]
