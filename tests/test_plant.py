"""Stage `plant`: every scene with everything and without each object that it shows, exact and segmented."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from segmenter_case import WORLD

from lacuna.areas.omissions import class_counts
from lacuna.formats import checkpoints, planted
from lacuna.segmenters.parsing_segmenter import build_network
from lacuna.segmenters.upernet.checkpoint import metadata
from lacuna.stages import plant, render
from lacuna.world import PART_OWNERS, VOCABULARY, World

ARCHITECTURE = {
    "encoder": {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 4, 8, 8],
                "stem_stride": 2},
    "fpn_dim": 8, "ppm_dim": 4,
}  # fmt: skip
COUNT, SIZE, FIRST = 6, 32, 10
SETTINGS = WORLD | {"omit": ["sun"]}
OBJECTS = VOCABULARY["object"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six scenes and the weights of an untrained segmenter."""
    folder = tmp_path_factory.mktemp("a place")
    render.main(["--settings", json.dumps(SETTINGS), "--seed", "4", "--first", str(FIRST), "--last",
                 str(FIRST + COUNT - 1), "--shard", str(folder / "scenes.h5"), "--code", "c"])  # fmt: skip
    save_segmenter(folder / "net.safetensors", VOCABULARY)
    return folder


def save_segmenter(path: Path, classes: dict) -> None:
    torch.manual_seed(0)
    network = build_network(classes, PART_OWNERS, ARCHITECTURE)
    checkpoints.save_weights(path, network.state_dict(), metadata(classes, PART_OWNERS, ARCHITECTURE, SIZE))


def run(
    place: Path, out: Path, *objects: str, net: str = "net", batch_size: int = 4, precision: str = "float32",
    size: int = 0,
) -> planted.PlantedAreas:  # fmt: skip
    plant.main([
        "--shard", str(place / "scenes.h5"), "--world", json.dumps(SETTINGS), "--seed", "4",
        "--objects", *(objects or ["all"]), "--family", "upernet", "--checkpoint", str(place / f"{net}.safetensors"),
        "--size", str(size), "--precision", precision, "--batch-size", str(batch_size),
        "--device", "cpu", "--threads", "1", "--code", "c", "--table", str(out / "t.h5"),
    ])  # fmt: skip
    return planted.read(out / "t.h5")


def test_exact_areas_are_those_of_the_world_without_the_object(place: Path, tmp_path: Path) -> None:
    found = run(place, tmp_path)
    assert found.classes == list(OBJECTS) and found.image_px == SIZE**2
    assert (found.exact_px.sum(axis=1) == SIZE**2).all() and (found.segmented_px.sum(axis=1) == SIZE**2).all()
    for index, omitted, exact in zip(found.index, found.omitted, found.exact_px, strict=True):
        names = ["sun", OBJECTS[omitted]] if omitted else ["sun"]
        labels = World(SIZE, seed=4, omit=names).scene(int(index)).labels_object
        assert np.array_equal(exact, class_counts(labels[None], len(OBJECTS))[0])


def test_an_object_is_left_out_only_where_it_shows(place: Path, tmp_path: Path) -> None:
    found = run(place, tmp_path)
    whole = found.omitted == 0
    assert found.index[whole].tolist() == list(range(FIRST, FIRST + COUNT))
    for index, exact in zip(found.index[whole], found.exact_px[whole], strict=True):
        shown = {name for name, area in zip(OBJECTS, exact, strict=True) if area} - {"-", "sky", "building", "grass"}
        left_out = {OBJECTS[omitted] for omitted in found.omitted[(found.index == index) & ~whole]}
        assert left_out == shown
    assert (found.exact_px[~whole, found.omitted[~whole]] == 0).all() and (~whole).sum() > COUNT


def test_the_batch_size_changes_nothing_and_objects_can_be_chosen(place: Path, tmp_path: Path) -> None:
    every, few = run(place, tmp_path), run(place, tmp_path, "tree", "hill", batch_size=50)
    chosen = np.isin(every.omitted, [0, OBJECTS.index("tree"), OBJECTS.index("hill")])
    assert np.array_equal(every.index[chosen], few.index) and np.array_equal(every.omitted[chosen], few.omitted)
    assert np.array_equal(every.exact_px[chosen], few.exact_px)
    # Labels may differ at ties within float error.
    assert np.abs(every.segmented_px[chosen].astype(int) - few.segmented_px).sum(axis=1).max() <= 2


def test_mistakes_are_one_line(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"calibrate\.objects: found dragon, sky, expected some of tower, tree"):
        run(place, tmp_path, "dragon", "sky", "tree")
    save_segmenter(place / "other.safetensors", VOCABULARY | {"object": (*OBJECTS, "dragon")})
    with pytest.raises(ValueError, match=r"16 objects, expected the world's 15.*calibrate a segmenter that learnt the"):
        run(place, tmp_path, net="other")
    with pytest.raises(ValueError, match="tf32"):  # as for segment: the arithmetic is that of the comparisons
        run(place, tmp_path, precision="tf32")
    with pytest.raises(
        ValueError, match=r"scenes of 32 pixels per side, expected 64, at which comparisons segment; give"
    ):
        run(place, tmp_path, size=64)
