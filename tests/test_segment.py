"""The stage segment: what its tables hold, and that batches, heads and broken images change nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from segmenter_case import SIZE, save_scenes, save_segmenter

from lacuna.appearance.kept import merged
from lacuna.formats import areas, checkpoints, regions
from lacuna.segmenters.class_areas import class_areas
from lacuna.segmenters.loading import load_segmenter
from lacuna.stages import segment
from lacuna.world import PART_OWNERS, VOCABULARY

COUNT = 9


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scenes, and weights of an untrained segmenter that finds many classes in them."""
    folder = tmp_path_factory.mktemp("a place")
    save_scenes(folder / "scenes.h5", COUNT)
    save_segmenter(folder / "net.safetensors")
    return folder


def table(
    place: Path, out: Path, images: str = "scenes.h5", heads: tuple[str, ...] = ("object",), batch_size: int = 4,
    size: int | None = None, first: int = 0, last: int = COUNT - 1, precision: str = "float32",
) -> areas.ClassAreas:  # fmt: skip
    settings = json.dumps({"heads": list(heads), "size": size, "precision": precision})
    segment.main([
        "--family", "upernet", "--checkpoint", str(place / "net.safetensors"), "--images", str(place / images),
        "--first", str(first), "--last", str(last), "--settings", settings,
        "--batch-size", str(batch_size), "--device", "cpu", "--threads", "1", "--table", str(out / "t.h5"),
        "--regions", str(out / "t.regions.h5"), "--kept", "{}", "--seed", "1",
        "--code", "c",
    ])  # fmt: skip
    return areas.read(out / "t.h5")


def test_rows_of_object_and_material_sum_to_the_image(place: Path, tmp_path: Path) -> None:
    found = table(place, tmp_path, heads=("material", "object"))
    categories = np.array(found.categories)
    for category in ("object", "material"):
        assert (found.area_px[:, categories == category].sum(axis=1) == SIZE**2).all()
        names = tuple(name for name, owner in zip(found.classes, found.categories, strict=True) if owner == category)
        assert names == VOCABULARY[category]
    assert found.image_px == SIZE**2
    assert found.index.tolist() == list(range(COUNT))


def test_regions_do_not_depend_on_batches_or_shards(place: Path, tmp_path: Path) -> None:
    found = []
    for batch_size, limits in ((4, [(0, COUNT - 1)]), (1, [(0, COUNT - 1)]), (4, [(0, 3), (4, COUNT - 1)])):
        parts = []
        for first, last in limits:
            table(place, tmp_path, heads=("object", "part"), batch_size=batch_size, first=first, last=last)
            parts.append(regions.read(tmp_path / "t.regions.h5"))
        found.append(merged(parts, features=4, crops=2))
    whole = found[0]
    assert whole.num_regions.sum() > COUNT and len(whole.kept.column) > 8 and len(whole.crops.crops) > 4
    assert np.bincount(whole.kept.column).max() == 4
    assert whole.blocks == (4, 4, 6) and np.isfinite(whole.kept.feature).all()
    areas_px = areas.read(tmp_path / "t.h5").area_px.shape[1]
    assert whole.num_regions.shape == (COUNT, areas_px) and (whole.num_regions[:, 0] == 0).all()
    for other in found[1:]:
        for name in ("index", "num_regions", "place_px"):
            assert np.array_equal(getattr(whole, name), getattr(other, name))
        for name in ("column", "image", "priority", "area_px"):
            assert np.array_equal(getattr(whole.kept, name), getattr(other.kept, name))
        assert np.allclose(whole.kept.feature, other.kept.feature, rtol=2e-3, atol=2e-3)  # float16
        assert whole.crops.crops == other.crops.crops


def test_parts_cover_at_most_their_owner(place: Path, tmp_path: Path) -> None:
    found = table(place, tmp_path, heads=("object", "part"))
    area = {name: found.area_px[:, column] for column, name in enumerate(found.classes)}
    assert sum(area[part].sum() for part in PART_OWNERS) > 0
    for owner in set(PART_OWNERS.values()):
        assert (sum(area[part] for part, its in PART_OWNERS.items() if its == owner) <= area[owner]).all()


def test_batch_size_changes_no_label(place: Path, tmp_path: Path) -> None:
    one, eight = (table(place, tmp_path, heads=("object", "part", "material"), batch_size=size) for size in (1, 8))
    differing = np.abs(one.area_px.astype(int) - eight.area_px.astype(int)).sum() / 2
    assert differing <= 1e-4 * COUNT * SIZE**2  # ties within float error


def test_heads_that_are_not_stored_are_not_computed(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    segmenter = load_segmenter("upernet", place / "net.safetensors")
    for head in ("object", "part", "material", "scene"):
        getattr(segmenter.network.decoder, f"{head}_head").register_forward_hook(
            lambda *_, head=head: called.append(head)
        )
    monkeypatch.setattr(segment, "load_segmenter", lambda *_: segmenter)
    table(place, tmp_path, heads=("material",))
    assert set(called) == {"material"}


def test_areas_are_counts_of_labels() -> None:
    labels = torch.tensor([[[0, 2], [2, 2]], [[1, 1], [0, 2]]])
    assert class_areas(labels, 4).tolist() == [[1, 0, 3, 0], [1, 2, 1, 0]]
    with pytest.raises(ValueError, match="labels span 0 to 2, expected 0 to 1"):
        class_areas(labels, 2)


def test_images_that_cannot_be_read_are_named_in_the_table(place: Path, tmp_path: Path) -> None:
    folder = place / "photos"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (40 + number, 50), (200, 100, number)).save(folder / f"{number}.png")
    (folder / "1.png").write_bytes(b"no image")
    found = table(place, tmp_path, images="photos", last=2)
    assert found.index.tolist() == [0, 2]
    assert [(row.index, row.name) for row in found.skipped] == [(1, "1.png")]
    assert found.skipped[0].reason
    assert (found.area_px.sum(axis=1) == SIZE**2).all()  # the network's own size where the settings name none
    assert table(place, tmp_path, images="photos", last=2, size=48).image_px == 48**2


def test_a_class_count_that_does_not_fit_the_labels_is_one_clear_line(place: Path, tmp_path: Path) -> None:
    state, found = checkpoints.load_weights(place / "net.safetensors")
    found["classes"]["object"].append("dragon")
    checkpoints.save_weights(tmp_path / "net.safetensors", state, found)
    with pytest.raises(ValueError, match="the object head has 15 classes, its labels 16"):
        load_segmenter("upernet", tmp_path / "net.safetensors")


def test_unknown_families_and_heads_are_named(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"found family 'vit', expected one of: .*upernet, upp"):
        load_segmenter("vit", place / "net.safetensors")
    with pytest.raises(ValueError, match="heads: found shape, expected some of object, part, material"):
        table(place, tmp_path, heads=("shape",))


def test_a_precision_is_a_choice_that_changes_few_labels(place: Path, tmp_path: Path) -> None:
    exact, fast = (table(place, tmp_path, precision=precision) for precision in ("float32", "bfloat16"))
    differing = np.abs(exact.area_px.astype(int) - fast.area_px.astype(int)).sum() / 2
    assert 0 < differing < 0.05 * COUNT * SIZE**2  # 8 bits of mantissa, an untrained network


def test_a_precision_that_the_device_has_not_is_one_line(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tf32 asked for on cpu, which only GPUs have; use float32 or bfloat16"):
        table(place, tmp_path, precision="tf32")
    with pytest.raises(ValueError, match="found 'float16', expected one of float32, tf32, bfloat16"):
        table(place, tmp_path, precision="float16")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_segmenter_that_is_no_number_any_more_is_one_line(place: Path, tmp_path: Path, precision: str) -> None:
    state, found = checkpoints.load_weights(place / "net.safetensors")
    name = next(name for name in state if "object_head" in name and name.endswith("weight"))
    state[name][0] = float("nan")
    checkpoints.save_weights(tmp_path / "nan.safetensors", state, found)
    segmenter = load_segmenter("upernet", tmp_path / "nan.safetensors", precision=precision)
    images = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match=r"upernet segmenter .*nan\.safetensors: logits of object hold NaN"):
        segmenter.label_maps(images)
