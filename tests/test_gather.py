"""Labelled folders: images go round the classes, labels follow the names of the subfolders."""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from lacuna import gather
from lacuna.kit.provenance import canonical_json
from lacuna.sources.labelled import labelled_listing


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Three classes of 3, 1 and 2 images of 20 x 12 pixels, each of its own grey."""
    for name, greys in (("n02_cat", (10, 11, 12)), ("n01_ape", (20,)), ("n03_dog", (30, 31))):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for grey in greys:
            Image.new("RGB", (20, 12), (grey,) * 3).save(tmp_path / "animals" / name / f"{grey}.png")
    return tmp_path / "animals"


def gathered(path: Path, shard: Path, first: int, last: int) -> dict[str, np.ndarray]:
    words = ["--path", str(path), "--size", "8", "--first", str(first), "--last", str(last), "--shard", str(shard)]
    gather.main([*words, "--code", "digest"])
    with h5py.File(shard) as file:
        assert canonical_json({"scene": ["n01_ape", "n02_cat", "n03_dog"]}) == file.attrs["vocabulary"]
        return {name: file[name][:] for name in file}


def test_images_go_round_the_classes_in_any_shards(animals: Path, tmp_path: Path) -> None:
    whole, part = gathered(animals, tmp_path / "a.h5", 0, 5), gathered(animals, tmp_path / "b.h5", 2, 4)
    assert whole["images"][:, 4, 4, 0].tolist() == [20, 10, 30, 11, 31, 12]
    assert whole["label"].tolist() == [0, 1, 2, 1, 2, 1]
    assert part["index"].tolist() == [2, 3, 4]
    for name in ("images", "label"):
        assert np.array_equal(part[name], whole[name][2:5])


def test_a_zip_file_is_as_good_as_a_folder(animals: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "animals.zip", "w") as archive:
        for file in animals.rglob("*.png"):
            archive.write(file, file.relative_to(animals))
    one, other = gathered(animals, tmp_path / "a.h5", 0, 5), gathered(tmp_path / "animals.zip", tmp_path / "b.h5", 0, 5)
    assert np.array_equal(one["images"], other["images"]) and np.array_equal(one["label"], other["label"])


def test_bad_folders_end_in_one_line(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds 6 images, 7 asked for"):
        gathered(animals, tmp_path / "a.h5", 0, 6)
    Image.new("RGB", (20, 12)).save(animals / "loose.png")
    with pytest.raises(ValueError, match=r"loose\.png lies in no subfolder"):
        labelled_listing(animals)
