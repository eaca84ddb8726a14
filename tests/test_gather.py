"""Labelled folders: images go round the classes, labels follow the names of the subfolders."""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from lacuna.conditional.labelled import LabelledImages
from lacuna.config.grouping import group_codes
from lacuna.data import open_images
from lacuna.data.labelled import labelled_listing
from lacuna.data.preparation import Preparation
from lacuna.formats.images import ImageShards
from lacuna.runtime.provenance import canonical_json
from lacuna.stages import gather
from lacuna.training.data import RealImages


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
    with pytest.raises(ValueError, match="holds 6 images, images 0-6 asked for"):
        gathered(animals, tmp_path / "a.h5", 0, 6)
    Image.new("RGB", (20, 12)).save(animals / "loose.png")
    with pytest.raises(ValueError, match=r"loose\.png lies in no subfolder"):
        labelled_listing(animals)


@pytest.fixture
def damaged(animals: Path) -> Path:
    """The same with more cats, and two files that cannot be read: the ape, image 0, and a cat, image 3."""
    for grey in (13, 14):
        Image.new("RGB", (20, 12), (grey,) * 3).save(animals / "n02_cat" / f"{grey}.png")
    (animals / "n01_ape" / "20.png").write_bytes(b"no image")
    cat = animals / "n02_cat" / "11.png"
    cat.write_bytes(cat.read_bytes()[:50])
    return animals


def test_an_image_that_cannot_be_read_is_left_out_and_named(damaged: Path, tmp_path: Path) -> None:
    whole = gathered(damaged, tmp_path / "0-7.h5", 0, 7)
    assert whole["index"].tolist() == [1, 2, 4, 5, 6, 7] and whole["label"].tolist() == [1, 2, 2, 1, 1, 1]
    assert whole["images"][:, 4, 4, 0].tolist() == [10, 30, 31, 12, 13, 14]
    with ImageShards([tmp_path / "0-7.h5"]) as shards:
        assert [(row.index, row.name) for row in shards.skipped] == [(0, "n01_ape/20.png"), (3, "n02_cat/11.png")]


def test_what_gather_left_out_is_skipped_by_every_reader(damaged: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{first}-{last}.h5" for first, last in ((0, 0), (1, 3), (4, 7))]
    for path in paths:
        first, last = map(int, path.stem.split("-"))
        gathered(damaged, path, first, last)  # the first holds no image at all
    images = open_images(paths, 0, 7, Preparation(None))
    found = list(images.batches(4))
    assert np.concatenate([index for index, _ in found]).tolist() == [1, 2, 4, 5, 6, 7]
    assert [row.index for row in images.skipped] == [0, 3]
    assert [row.index for row in open_images(paths, 2, 5, Preparation(None)).skipped] == [3]
    empty = open_images(paths[:1], 0, 0, Preparation(None))
    assert list(empty.batches(4)) == [] and len(empty.skipped) == 1
    with LabelledImages(paths, 8, 3) as labelled:
        assert labelled.labels.tolist() == [1, 2, 2, 1, 1, 1]
        assert [image[4, 4, 0] for image in labelled.read(np.arange(6))] == [10, 30, 31, 12, 13, 14]
    with RealImages(paths, 8, 3, seed=1) as real:
        shown = np.concatenate([real.batch(shown, 3, real.size)[:, 0, 4, 4] for shown in (0, 3)])
    assert sorted(np.round((shown + 1) * 127.5).tolist()) == [10, 12, 13, 14, 30, 31]
    with pytest.raises(ValueError, match="no image in this and the other shards could be read"):
        LabelledImages(paths[:1], 1, 3)


def test_a_shard_that_lacks_an_image_without_naming_it_is_refused(animals: Path, tmp_path: Path) -> None:
    gathered(animals, tmp_path / "a.h5", 0, 4)
    with pytest.raises(ValueError, match="holds 5 of images 0-5"):
        open_images([tmp_path / "a.h5"], 0, 5, Preparation(None))


def test_transparent_pixels_of_labelled_images_lie_on_the_ground(animals: Path, tmp_path: Path) -> None:
    for name in ("n01_ape", "n02_cat", "n03_dog"):
        Image.new("RGBA", (20, 12), (9, 9, 9, 0)).save(animals / name / "0.png")
    words = ["--path", str(animals), "--size", "8", "--first", "0", "--last", "2", "--shard", str(tmp_path / "a.h5")]
    for ground, value in (("white", 255), ("#102030", 0x10)):
        gather.main([*words, "--background", ground, "--code", "digest"])
        with h5py.File(tmp_path / "a.h5") as file:
            assert (file["images"][..., 0] == value).all()


def test_groups_are_those_of_the_images_that_were_read(damaged: Path, tmp_path: Path) -> None:
    words = ["--path", str(damaged), "--size", "8", "--groups", "parent", "--code", "digest"]
    for first, last in ((0, 0), (0, 7)):
        shard = str(tmp_path / f"{first}-{last}.h5")
        gather.main([*words, "--first", str(first), "--last", str(last), "--shard", shard])
    with h5py.File(tmp_path / "0-7.h5") as file, h5py.File(tmp_path / "0-0.h5") as none:
        assert np.array_equal(file["group"][:], group_codes(["n02_cat/a", "n03_dog/a"], "parent")[[0, 1, 1, 0, 0, 0]])
        assert none["group"].shape == none["label"].shape == (0,)
