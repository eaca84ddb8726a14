"""Stage `moments`: tables in, moments in percent out, whatever the shards."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tables_on_disk

from lacuna.formats import moments
from lacuna.stages import moments as stage


def run(folder: Path, name: str, area_px: np.ndarray, shard_size: int) -> Path:
    tables_on_disk.write(folder / name, area_px, shard_size)
    return run_stage(folder, name, len(area_px), shard_size)


def run_stage(folder: Path, name: str, count: int, shard_size: int) -> Path:
    out = folder / f"{name}.h5"
    stage.main(
        [
            "--tables",
            str(folder / name),
            "--count",
            str(count),
            "--shard-size",
            str(shard_size),
            "--moments",
            str(out),
            "--code",
            "c0de",
        ]
    )
    return out


def test_moments_are_in_percent_with_divisor_n_minus_one(tmp_path: Path) -> None:
    area_px = tables_on_disk.drawn(50, seed=0)
    path = run(tmp_path, "a b", area_px, 20)
    found = moments.read(path)
    percent = area_px * (100 / tables_on_disk.IMAGE_PX)
    assert found.moments.count == 50 and found.classes == tables_on_disk.CLASSES
    # Areas are up to 100, their squares 1e4, so rounding is near 1e-12.
    assert np.allclose(found.moments.mean, percent.mean(axis=0), atol=1e-11)
    assert np.allclose(found.moments.cov, np.cov(percent, rowvar=False), atol=1e-10)
    with h5py.File(path) as file:
        assert file["count"].dtype == np.int64 and file["cov"].dtype == np.float64
        assert file.attrs["unit"] == "percent of image area" and file.attrs["stage"] == "moments"
        assert file.attrs["code"] == "c0de" and "0-19.h5" in file.attrs["inputs"]


def test_shard_size_does_not_matter(tmp_path: Path) -> None:
    area_px = tables_on_disk.drawn(50, seed=0)
    one, other = (moments.read(run(tmp_path, f"by{size}", area_px, size)).moments for size in (7, 50))
    assert np.allclose(one.cov, other.cov, rtol=0, atol=1e-10) and np.allclose(one.mean, other.mean, rtol=0, atol=1e-10)


def test_rows_that_do_not_sum_to_the_image_are_one_line(tmp_path: Path) -> None:
    area_px = tables_on_disk.drawn(30, seed=0)
    area_px[23, 1] += 5
    with pytest.raises(ValueError, match=r"object areas of image 23 sum to 1029 pixels, expected 1024; run segment"):
        run(tmp_path, "bad", area_px, 10)
    assert not (tmp_path / "bad.h5").exists()


def test_shards_of_another_segmenter_or_size_are_one_line(tmp_path: Path) -> None:
    area_px = tables_on_disk.drawn(20, seed=0)
    tables_on_disk.write(tmp_path / "mixed", area_px, 10)
    tables_on_disk.write(tmp_path / "mixed", area_px[:10], 10, classes=[*tables_on_disk.CLASSES[:-1], "other"])
    with pytest.raises(ValueError, match=r"10-19\.h5: other classes or image size than the shard before it"):
        run_stage(tmp_path, "mixed", 20, 10)


def test_moments_with_nan_or_of_other_classes_are_one_line(tmp_path: Path) -> None:
    path = run(tmp_path, "a", tables_on_disk.drawn(20, seed=0), 20)
    with h5py.File(path, "a") as file:
        file["mean"][1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in the moments, expected numbers; delete it and run moments"):
        moments.read(path)
    with h5py.File(path, "a") as file:
        del file["mean"]
        file["mean"] = np.zeros(3)
    with pytest.raises(ValueError, match="for 8 classes; delete it and run moments again"):
        moments.read(path)
