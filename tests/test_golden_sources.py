"""Sources against the published code: which images a subset takes, how they are resized, and the areas of a tally."""

import json
import re
import shutil
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from golden_folder import GoldenArrays, GoldenFolder, array_names
from numpy.typing import NDArray
from PIL import Image

from lacuna.data import subset
from lacuna.data.containers.folder import Folder
from lacuna.data.preparation import fit
from lacuna.formats import areas
from lacuna.stages import segment

pytestmark = pytest.mark.golden
TRANSFORMS, TALLY = "f_sampler_transform", "b_tally"
PUBLISHED_PX = 256  # Resize(256), CenterCrop(256)


@pytest.mark.parametrize("name", array_names(TRANSFORMS, r"indices_seed\d+"))
def test_a_subset_takes_the_published_images(golden: GoldenFolder, name: str) -> None:
    arrays = golden.arrays(TRANSFORMS)
    seed = int(name.removeprefix("indices_seed"))
    found = subset.chosen(int(arrays["n"]), 0, len(arrays[name]) - 1, seed, "golden")
    arrays.check(name, np.array(found))


def transformed(golden: GoldenFolder, name: str) -> NDArray[np.uint8]:
    """The first photo at the size that an array's name says, then through our resize path; its input is checked."""
    width, height = map(int, re.findall(r"\d+", name)[:2])
    resized = golden.photo(golden.meta["photos"][0]).resize((width, height), Image.Resampling.BICUBIC)
    return fit(resized, PUBLISHED_PX)


@pytest.mark.parametrize("name", array_names(TRANSFORMS, r"t_\d+x\d+"))
def test_resized_pixels_as_numbers(golden: GoldenFolder, name: str) -> None:
    pixels = transformed(golden, name).transpose(2, 0, 1).astype(np.float32)
    golden.arrays(TRANSFORMS).check(name, (pixels / 255 - 0.5) / 0.5, atol=1e-6)  # float32 rounding


@pytest.mark.parametrize("name", array_names(TRANSFORMS, r"t_\d+x\d+_rows0"))
def test_first_rows_of_resized_pixels(golden: GoldenFolder, name: str) -> None:
    golden.arrays(TRANSFORMS).check(name, transformed(golden, name)[0].T)


@pytest.mark.parametrize("name", array_names(TRANSFORMS, r"t_\d+x\d+_crc32"))
def test_every_byte_of_resized_pixels(golden: GoldenFolder, name: str) -> None:
    assert zlib.crc32(transformed(golden, name).tobytes()) == int(golden.arrays(TRANSFORMS)[name])


@pytest.mark.parametrize("name", array_names(TRANSFORMS, r"t_\d+x\d+_input_crc32"))
def test_the_input_of_the_resize_path_is_the_published_one(golden: GoldenFolder, name: str) -> None:
    width, height = map(int, re.findall(r"\d+", name)[:2])
    resized = golden.photo(golden.meta["photos"][0]).resize((width, height), Image.Resampling.BICUBIC)
    assert zlib.crc32(resized.tobytes()) == int(golden.arrays(TRANSFORMS)[name])


@dataclass(frozen=True)
class Tally:
    """The stored tally, and ours of the same photos."""

    arrays: GoldenArrays
    found: areas.ClassAreas
    names: list[str]


@pytest.fixture(scope="module")
def tally(golden: GoldenFolder, tmp_path_factory: pytest.TempPathFactory) -> Tally:
    """The stage itself on a folder of the photos, its count and seed those of the published call."""
    place = tmp_path_factory.mktemp("tally")
    photos, weights = place / "photos", place / "upp"
    photos.mkdir()
    weights.mkdir()
    for number in golden.meta["tally_photos"]:
        (path,) = (golden.path / "photos").glob(f"*_{number}_*")
        shutil.copy(path, photos / path.name)
    shutil.copy(golden.path / "labels.json", weights / "labels.json")
    for part in ("encoder", "decoder"):
        torch.save(golden.weights(f"seg_{part}"), weights / f"{part}_epoch_40.pth")
    arrays, seed = golden.arrays(TALLY), golden.meta.get("tally_seed", 1)
    count = len(arrays["order"])
    settings = {"heads": ["object"], "size": None, "precision": "float32", "source": {"subset": {"seed": seed}}}
    segment.main([
        "--family", "upp", "--checkpoint", str(weights), "--images", str(photos), "--first", "0",
        "--last", str(count - 1), "--settings", json.dumps(settings), "--batch-size", "5", "--device", "cpu",
        "--threads", "1", "--table", str(place / "table.h5"), "--regions", str(place / "r.h5"),
        "--kept", "{}", "--seed", "1", "--code", "test",
    ])  # fmt: skip
    entries = Folder(photos).listing().entries
    names = [entries[number].name for number in subset.chosen(len(entries), 0, count - 1, seed, "golden")]
    return Tally(arrays, areas.read(place / "table.h5"), names)


def test_the_tally_takes_the_published_files_in_their_order(tally: Tally) -> None:
    assert tally.names == tally.arrays["files"].tolist()


def test_the_order_of_the_tally(golden: GoldenFolder, tally: Tally) -> None:
    total, count = len(golden.meta["tally_photos"]), len(tally.names)
    tally.arrays.check(
        "order", np.array(subset.chosen(total, 0, count - 1, golden.meta.get("tally_seed", 1), "golden"))
    )


def test_the_areas_of_the_tally_class_nothing_included(tally: Tally) -> None:
    assert tally.found.classes[0] == "-" and tally.found.skipped == []
    tally.arrays.check("tally", tally.found.area_px / tally.found.image_px, atol=5e-4)  # as the golden README measured
