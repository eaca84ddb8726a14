"""`lacuna.FrechetSegmentationDistance`: the workflow's distance, in a training loop and over several processes."""

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from numpy.typing import NDArray

import lacuna
from lacuna.areas.moments import of_rows, of_sums
from lacuna.errors import UserError
from lacuna.formats import moments
from lacuna.stages.render import world_from

COUNT = 24
WORLD = {"size": 32, "scale": {}, "scenes": {}, "palette": "day"}
WEIGHTS = toy.ROOT / "workflow/demo/segmenter.safetensors"
ROUNDING = 1e-9  # relative: the workflow merges float64 moments of shards, the metric divides sums of whole numbers
Images = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def images() -> Images:
    worlds = {"real": world_from({**WORLD, "omit": []}, 1), "generated": world_from({**WORLD, "omit": ["person"]}, 2)}
    return {side: np.stack([world.scene(i).image for i in range(COUNT)]) for side, world in worlds.items()}


@pytest.fixture
def metric() -> lacuna.FrechetSegmentationDistance:
    return lacuna.FrechetSegmentationDistance(WEIGHTS, size=32)


def seen(metric: lacuna.FrechetSegmentationDistance, images: Images, batch: int = COUNT) -> float:
    for side, rows in images.items():
        for start in range(0, COUNT, batch):
            metric.update(torch.from_numpy(rows[start : start + batch]), real=side == "real")
    return float(metric.compute())


def test_the_value_and_the_classes_are_those_of_the_workflow(
    metric: lacuna.FrechetSegmentationDistance, images: Images, tmp_path: Path
) -> None:
    fsd = {"resamples": 20, "permutations": 99}
    found = lacuna.compare(images["real"], images["generated"], WEIGHTS, threads=1, segment={"size": 32}, fsd=fsd)
    assert seen(metric, images) == pytest.approx(found.fsd, rel=ROUNDING)
    rows = {row.name: row for row in metric.class_table()}
    for row in found.classes:
        for name in ("real_area", "generated_area", "fsd_contribution"):
            expected = pytest.approx(row[name], rel=ROUNDING, abs=ROUNDING)
            assert getattr(rows[row["class"]], name) == expected, row["class"]
    workflows = found.results / "moments/segmenter/real.h5"
    of_reference = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32, reference=workflows)
    assert seen(of_reference, {"generated": images["generated"]}) == pytest.approx(found.fsd, rel=ROUNDING)


def test_batches_and_their_order_change_no_bit(metric: lacuna.FrechetSegmentationDistance, images: Images) -> None:
    whole = seen(metric, images)
    other = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32)
    backwards = {side: rows[::-1].copy() for side, rows in reversed(images.items())}
    assert seen(other, backwards, batch=COUNT) == whole


def test_floats_and_channels_first_are_the_same_images(
    metric: lacuna.FrechetSegmentationDistance, images: Images
) -> None:
    whole = seen(metric, images)
    other = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32)
    for side, rows in images.items():
        other.update(torch.from_numpy(rows).permute(0, 3, 1, 2) / 255, real=side == "real")
    assert float(other.compute()) == whole


def test_reset_forgets_what_was_generated_and_keeps_what_is_real(images: Images) -> None:
    metric = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32)
    first = seen(metric, images)
    metric.reset()
    assert int(metric.real_count) == COUNT and int(metric.generated_count) == 0
    assert seen(metric, {"generated": images["generated"]}) == first
    forgetful = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32, reset_real=True)
    seen(forgetful, images)
    forgetful.reset()
    assert int(forgetful.real_count) == 0
    with pytest.raises(UserError, match="compute: found no real image"):
        seen(forgetful, {"generated": images["generated"]})


def test_a_reference_saved_once_stands_for_the_real_images(
    metric: lacuna.FrechetSegmentationDistance, images: Images, tmp_path: Path
) -> None:
    value = seen(metric, images)
    metric.save_reference(tmp_path / "real.h5")
    other = lacuna.FrechetSegmentationDistance(WEIGHTS, size=32, reference=tmp_path / "real.h5")
    assert seen(other, {"generated": images["generated"]}) == value
    with pytest.raises(UserError, match="found real images beside a reference"):
        other.update(torch.from_numpy(images["real"]), real=True)
    with pytest.raises(UserError, match=r"expected the .* of this segmenter and 4096 pixels"):
        lacuna.FrechetSegmentationDistance(WEIGHTS, size=64, reference=tmp_path / "real.h5")


def test_images_of_another_size_are_resized_as_the_workflow_does(images: Images) -> None:
    metric = lacuna.FrechetSegmentationDistance(WEIGHTS)  # at the segmenter's own size
    found = lacuna.compare(
        images["real"], images["generated"], WEIGHTS, threads=1, fsd={"resamples": 20, "permutations": 99}
    )
    assert seen(metric, images) == pytest.approx(found.fsd, rel=ROUNDING)


def test_two_processes_that_share_the_images_find_the_value_of_one(
    metric: lacuna.FrechetSegmentationDistance, images: Images, tmp_path: Path
) -> None:
    value = seen(metric, images)
    np.savez(tmp_path / "images.npz", **images)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = Path(__file__).with_name("metric_processes.py")
    words = [str(tmp_path / "images.npz"), str(WEIGHTS), str(tmp_path / "saved.h5"), port]
    done = subprocess.run([sys.executable, program, *words], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    first = metric.class_table()[0].name
    assert done.stdout.splitlines() == [f"{value!r} {first} {COUNT // 2}"] * 2
    for rank in range(2):
        assert moments.read(tmp_path / f"saved.h5.{rank}").moments.count == COUNT


def test_the_state_of_a_training_holds_no_weights_of_the_segmenter(
    metric: lacuna.FrechetSegmentationDistance,
) -> None:
    metric.persistent(True)
    assert set(metric.state_dict()) == {
        f"{side}_{name}" for side in ("real", "generated") for name in ("count", "sum", "product")
    }
    assert not list(metric.parameters())


def test_sums_of_whole_numbers_give_the_moments_of_the_rows() -> None:
    rng = np.random.default_rng(1)
    rows_NC = rng.multinomial(1 << 24, rng.dirichlet(np.ones(5)), size=1000)  # images of 4096 x 4096 pixels
    product_CC = rows_NC.T.astype(object) @ rows_NC.astype(object)
    found = of_sums(len(rows_NC), rows_NC.sum(axis=0), product_CC.astype(np.int64), 100 / (1 << 24))
    expected = of_rows(rows_NC, 100 / (1 << 24))
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-14)
    np.testing.assert_allclose(found.cov, expected.cov, rtol=1e-9)  # of_rows takes differences of rounded means
