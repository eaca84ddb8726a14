"""What is planted is found, and nothing else: a class that is always the same image, and one drawn as another.

Scenes of the world stand in for a generator's samples, so every other class is known to be as it should be. The judge
is the demo's own classifier.
"""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from lacuna.formats import areas, checkpoints, images, overfits, tables
from lacuna.generators.acgan.model import ClassGenerator
from lacuna.runtime.provenance import Provenance
from lacuna.stages import discriminate, diversity, fsd_by_class, overfit
from lacuna.world import VOCABULARY, World

ROOT = Path(__file__).resolve().parents[1]
KINDS = VOCABULARY["scene"]
EACH = 40  # scenes per class
Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
PROVENANCE = Provenance("render", "test")


@pytest.fixture(scope="module")
def worlds() -> dict[str, Labelled]:
    """Equally many scenes of each kind from two seeds."""
    return {side: scenes(seed) for side, seed in (("real", 31), ("generated", 32))}


def scenes(seed: int) -> Labelled:
    world = World(size=64, seed=seed, scenes=dict.fromkeys(KINDS, 1.0))
    pixels: list[list[NDArray[np.uint8]]] = [[] for _ in KINDS]
    index = 0
    while min(map(len, pixels)) < EACH:
        scene = world.scene(index)
        pixels[scene.label].append(scene.image)
        index += 1
    found = np.stack([np.stack(found[:EACH]) for found in pixels], axis=1)  # the classes in turn, as sample draws them
    return found.reshape(-1, 64, 64, 3), np.tile(np.arange(len(KINDS)), EACH)


def as_it_is(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    return pixels


def ignores_z_in_class_3(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The generator that draws one castle."""
    found = pixels.copy()
    found[labels == 3] = pixels[labels == 3][0]
    return found


def draws_class_3_as_class_5(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The generator that draws windmills where castles are asked for: other ones than in class 5."""
    found = pixels.copy()
    found[labels == 3] = pixels[labels == 5][:, :, ::-1]
    return found


def judged(folder: Path, worlds: dict[str, Labelled], plant: Callable[..., NDArray[np.uint8]]) -> tuple[Path, Path]:
    """Folders of what discriminate and diversity find."""
    for side, (pixels, labels) in worlds.items():
        changed = plant(pixels, labels) if side == "generated" else pixels
        images.write(folder / f"{side}.h5", changed, np.arange(len(labels)), PROVENANCE, label=labels)
    count = str(EACH * len(KINDS))
    sides = ["--real-images", str(folder / "real.h5"), "--real-count", count, "--generated-images"]
    sides += [str(folder / "generated.h5"), "--generated-count", count, "--device", "cpu", "--threads", "1"]
    settings = {"subsets": 10, "confidence": 0.95, "indistinct_below": 0.5, "batch_size": 100}
    out = folder / "discriminate"
    discriminate.main([
        *sides, "--family", "resnet", "--checkpoint", str(ROOT / "workflow/demo/classifier.safetensors"), "--settings",
        json.dumps(settings), "--tsv", f"{out}.tsv", "--summary", f"{out}.json", "--code", "digest",
    ])  # fmt: skip
    settings = {"pairs": 100, "confidence": 0.95, "low_accuracy": 0.5}
    other = folder / "diversity"
    diversity.main([
        *sides, "--accuracies", f"{out}.tsv", "--settings", json.dumps(settings), "--seed", "1", "--code", "digest",
        "--tsv", f"{other}.tsv", "--summary", f"{other}.json",
    ])  # fmt: skip
    return out, other


@pytest.mark.parametrize(
    ("plant", "indistinct", "collapsed"),
    [
        (as_it_is, [], []),
        (ignores_z_in_class_3, [], ["castle"]),
        (draws_class_3_as_class_5, ["castle"], []),
    ],
)
def test_each_planted_fault_is_flagged_by_its_own_measure_and_nothing_else_is(
    tmp_path: Path, worlds: dict[str, Labelled], plant: Callable[..., NDArray[np.uint8]], indistinct: list[str],
    collapsed: list[str],
) -> None:  # fmt: skip
    accuracies, similarities = judged(tmp_path, worlds, plant)
    found = tables.read_json(f"{accuracies}.json")["generated"]["indistinct"]
    assert (found, tables.read_json(f"{similarities}.json")["collapsed"]) == (indistinct, collapsed)
    if indistinct:
        rows = tables.read_tsv(f"{accuracies}.tsv")
        row = next(row for row in rows if (row["side"], row["resolution"], row["label"]) == ("generated", "64", "3"))
        assert row["taken_for"] == "windmill" and float(row["taken_for_share"]) > 0.8
        together = tables.read_json(f"{similarities}.json")["together"]
        assert together["low_accuracy_of_diverse"] > 0


def test_tables_hold_every_class_resolution_and_rule(tmp_path: Path, worlds: dict[str, Labelled]) -> None:
    accuracies, similarities = judged(tmp_path, worlds, as_it_is)
    rows = tables.read_tsv(f"{accuracies}.tsv")
    assert {int(row["resolution"]) for row in rows} == {16, 32, 64}
    assert len(rows) == 2 * 3 * (1 + len(KINDS))
    whole = {row["resolution"]: row for row in rows if row["side"] == "real" and row["label"] == "all"}
    assert float(whole["64"]["accuracy"]) > 0.97 > float(whole["16"]["accuracy"])
    assert 0 < float(whole["16"]["std"]) < 0.1  # every subset holds all classes, though these come in turn
    summary = tables.read_json(f"{accuracies}.json")
    assert 9 < summary["real"]["inception_score"] <= 10 and 0 <= summary["real"]["share_better_at_full_size"] <= 1
    found = tables.read_json(f"{similarities}.json")
    assert "3 of 5 scales" in found["rule"] and found["threshold_class"] in KINDS
    means = [float(row["real_ms_ssim"]) for row in tables.read_tsv(f"{similarities}.tsv")]
    assert found["threshold"] == max(means) and len(means) == len(KINDS)


def test_a_generator_that_repeats_training_images_is_found_close(tmp_path: Path, worlds: dict[str, Labelled]) -> None:
    """Half of the samples are training images; held-out ones are at an honest distance."""
    (training, labels), (held_out, _) = worlds["real"], worlds["generated"]
    samples = np.concatenate([training[::10][:25], held_out[1::16][:25]])
    sides = {"training": (training, labels), "real": (held_out, labels), "generated": (samples, labels[:50])}
    words = []
    for side, (pixels, label) in sides.items():
        path = tmp_path / f"{side}.h5"
        images.write(path, pixels, np.arange(len(pixels)), PROVENANCE, label=label)
        words += [f"--{side}-images", str(path), f"--{side}-count", str(len(pixels))]
    torch.manual_seed(0)
    checkpoints.save_weights(tmp_path / "gan.safetensors", ClassGenerator([4, 4, 4], [0, 1, 2]).state_dict(), {})
    settings = {"samples": 50, "neighbours": 2, "steps": 4, "latents": 2}
    overfit.main([
        *words, "--family", "acgan", "--checkpoint", str(tmp_path / "gan.safetensors"), "--settings",
        json.dumps(settings), "--seed", "1", "--device", "cpu", "--threads", "1", "--tsv", str(tmp_path / "o.tsv"),
        "--summary", str(tmp_path / "o.json"), "--pictures", str(tmp_path / "o.h5"), "--code", "digest",
    ])  # fmt: skip
    summary = tables.read_json(tmp_path / "o.json")
    assert 0.5 <= summary["share_close"] <= 0.54 and summary["median_distance_held_out"] > 10
    rows = tables.read_tsv(tmp_path / "o.tsv")
    assert [float(row["distance"]) for row in rows[:25]] == [0] * 25 and len(rows) == 100
    found = overfits.read(tmp_path / "o.h5")
    assert np.array_equal(found["neighbours"][:25, 0], found["samples"][:25])
    assert found["strips"].shape == (3, 4, 16, 16, 3) and found["varied"].shape == (2, 3, 16, 16, 3)


def test_the_class_that_lacks_an_object_is_named(tmp_path: Path) -> None:
    """Two classes, two objects; class 1 of the generator has no bench."""
    random = np.random.default_rng(0)
    count, image_px = 200, 1000
    labels = np.arange(count) % 2
    words = []
    for side in ("real", "generated"):
        bench = random.integers(20, 60, count) * (random.random(count) < 0.6)
        bench[(labels == 1) & (side == "generated")] = 0
        table = np.stack([image_px - bench, bench], axis=1).astype(np.uint32)
        found = areas.ClassAreas(table, np.arange(count), ["sky", "bench"], ["object"] * 2, image_px)
        areas.write(tmp_path / side / f"0-{count - 1}.h5", found, PROVENANCE)
        pixels = np.zeros((count, 8, 8, 3), np.uint8)
        images.write(tmp_path / f"{side}.h5", pixels, np.arange(count), PROVENANCE, label=labels)
        words += [f"--{side}-tables", str(tmp_path / side), f"--{side}-images", str(tmp_path / f"{side}.h5")]
        words += [f"--{side}-count", str(count)]
    settings = {
        "category": "object", "presence_percent": 0.2, "confidence": 0.95, "permutations": 999, "omitted_below": 0.2,
        "changed_by": 0.1, "q_below": 0.05,
    }  # fmt: skip
    fsd_by_class.main([
        *words, "--shard-size", str(count), "--settings", json.dumps(settings), "--seed", "1", "--tsv",
        str(tmp_path / "f.tsv"), "--summary", str(tmp_path / "f.json"), "--code", "digest",
    ])  # fmt: skip
    verdicts = {(row["label"], row["class"]): row["verdict"] for row in tables.read_tsv(tmp_path / "f.tsv")}
    assert verdicts["1", "bench"] == "omitted" and verdicts["0", "bench"] != "omitted"
    rows = tables.read_tsv(tmp_path / "f.tsv")
    p, q = (np.array([float(row[name]) for row in rows]) for name in ("p_value", "q_value"))
    assert len(rows) == 4 and q.tolist() == pytest.approx(false_discovery_control(p))  # both classes are one family
    by_label = tables.read_json(tmp_path / "f.json")["by_label"]
    assert by_label["1"]["fsd"] > 5 * by_label["0"]["fsd"] and by_label["0"]["num_real"] == 100
    with h5py.File(tmp_path / "real.h5", "a") as file:
        file["label"][:] = 0
    with pytest.raises(ValueError, match="class 1: 0 real images, expected at least 2"):
        fsd_by_class.main([
            *words, "--shard-size", str(count), "--settings", json.dumps(settings), "--seed", "1", "--tsv",
            str(tmp_path / "f.tsv"), "--summary", str(tmp_path / "f.json"), "--code", "digest",
        ])  # fmt: skip
