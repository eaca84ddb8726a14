"""Similarity, neighbours and the statistics of conditional generators: closed forms and independent computations."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from lacuna.areas.conditional import (
    accuracy,
    collapsed,
    inception_score,
    indistinct,
    together,
)  # fmt: skip
from lacuna.areas.conditional import similarity as summary
from lacuna.conditional import neighbours, similarity
from lacuna.conditional.labelled import LabelledImages
from lacuna.formats import images
from lacuna.runtime.provenance import Provenance
from lacuna.world import World

CPU = torch.device("cpu")
PUBLISHED = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@pytest.fixture(scope="module")
def scenes() -> NDArray[np.uint8]:
    world = World(size=64, seed=5)
    return np.stack([world.scene(i).image for i in range(40)])


def independent_ms_ssim(one_HW3: NDArray[np.uint8], other_HW3: NDArray[np.uint8], scales: int) -> float:
    """MS-SSIM in numpy: mirrored borders; structure is averaged where the window lies inside, luminance everywhere."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return correlate1d(correlate1d(x, window, axis=0, mode="mirror"), window, axis=1, mode="mirror")

    a, b = one_HW3.astype(float), other_HW3.astype(float)
    total, product = sum(PUBLISHED[:scales]), 1.0
    for scale in range(scales):
        mean_a, mean_b = smooth(a), smooth(b)
        var_a, var_b, cov = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2, smooth(a * b) - mean_a * mean_b
        structure = (2 * cov + (0.03 * 255) ** 2) / (var_a + var_b + (0.03 * 255) ** 2)
        luminance = (2 * mean_a * mean_b + (0.01 * 255) ** 2) / (mean_a**2 + mean_b**2 + (0.01 * 255) ** 2)
        last = scale == scales - 1
        value = (structure * luminance).mean() if last else structure[5:-5, 5:-5].mean()
        product *= max(value, 0) ** (PUBLISHED[scale] / total)
        a, b = (x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, 3).mean((1, 3)) for x in (a, b))
    return product


@pytest.mark.parametrize(("size", "scales"), [(16, 1), (32, 2), (64, 3), (128, 4), (176, 5)])
def test_as_many_scales_as_fit(size: int, scales: int) -> None:
    used = similarity.exponents(size)
    assert len(used) == scales and sum(used) == pytest.approx(sum(PUBLISHED))
    assert f"{scales} of 5 scales" in similarity.rule(size)
    noise = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    assert similarity.ms_ssim(noise, noise, CPU) == pytest.approx([1, 1], abs=1e-5)
    assert similarity.ms_ssim(noise[:1], noise[1:], CPU)[0] < 0.2


def test_too_small_images_end_in_one_line() -> None:
    with pytest.raises(ValueError, match="images of 8 pixels, expected at least 11"):
        similarity.exponents(8)


@pytest.mark.parametrize("size", [32, 64])
def test_known_pairs_have_the_values_of_an_independent_implementation(scenes: NDArray[np.uint8], size: int) -> None:
    step = 64 // size
    one, other = scenes[:6, ::step, ::step], scenes[6:12, ::step, ::step]
    found = similarity.ms_ssim(one, other, CPU, batch_size=4)
    expected = [independent_ms_ssim(a, b, len(similarity.exponents(size))) for a, b in zip(one, other, strict=True)]
    assert found == pytest.approx(expected, abs=2e-4)  # float32 against float64, variances as differences
    assert np.ptp(found) > 0.05


def test_all_five_scales_are_the_published_measure() -> None:
    world = World(size=192, seed=3)
    one, other = world.scene(0).image, world.scene(1).image
    found = similarity.ms_ssim(one[None], other[None], CPU)[0]
    assert found == pytest.approx(independent_ms_ssim(one, other, 5), abs=2e-4)


def test_pairs_are_different_and_none_comes_twice() -> None:
    pairs = similarity.random_pairs(np.arange(10, 30), 100, np.random.default_rng(0))
    assert pairs.shape == (100, 2) and (pairs[:, 0] != pairs[:, 1]).all() and pairs.min() >= 10
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == 100
    assert len(similarity.random_pairs(np.arange(3), 100, np.random.default_rng(0))) == 3


def test_nearest_images_are_those_of_a_full_search(scenes: NDArray[np.uint8]) -> None:
    samples, training = scenes[:5], scenes[5:]
    full = np.abs(samples[:, None].astype(int) - training[None]).mean((2, 3, 4))
    chunks = [(np.arange(k, min(k + 7, 35)), training[k : k + 7]) for k in range(0, 35, 7)]
    found = neighbours.nearest(samples, chunks, 3, CPU)
    assert np.array_equal(found.row, np.argsort(full, axis=1)[:, :3])
    np.testing.assert_allclose(found.distance, np.sort(full, axis=1)[:, :3], rtol=1e-12)


def test_an_image_known_by_heart_is_at_distance_zero(scenes: NDArray[np.uint8]) -> None:
    found = neighbours.nearest(scenes[7:8], [(np.arange(100, 140), scenes)], 2, CPU)
    assert found.row[0, 0] == 107 and found.distance[0, 0] == 0 < found.distance[0, 1]
    with pytest.raises(ValueError, match="fewer than 3 training images"):
        neighbours.nearest(scenes[:1], [(np.arange(2), scenes[:2])], 3, CPU)
    with pytest.raises(ValueError, match="training images of 32 pixels, samples of 64"):
        neighbours.nearest(scenes[:1], [(np.arange(2), scenes[:2, :32, :32])], 1, CPU)


def test_accuracy_of_a_half_right_classifier() -> None:
    right = np.tile([True, True, False, False], 25)
    found = accuracy(right, 10, 0.95)
    assert found.mean == 0.5 and found.num_images == 100
    assert found.std == pytest.approx(np.std([right[k::10].mean() for k in range(10)], ddof=1))
    assert found.low == pytest.approx(1 - found.high) and 0.4 < found.low < 0.41  # Wilson: 0.4038
    assert np.isnan(accuracy(right[:3], 10, 0.95).std)


def test_inception_score_of_certain_and_uncertain_classifiers() -> None:
    """K equally frequent classes, each surely seen, give K; a classifier that always says the same gives 1."""
    certain = np.eye(5)[np.arange(500) // 10 % 5]
    assert inception_score(certain, 10) == pytest.approx((5, 0), abs=1e-9)
    assert inception_score(np.full((100, 5), 0.2), 10) == pytest.approx((1, 0), abs=1e-12)


def test_verdicts_need_more_than_chance() -> None:
    real = accuracy(np.ones(100, dtype=bool), 10, 0.95)
    half = accuracy(np.arange(100) < 48, 10, 0.95)
    assert not indistinct(real, half, 0.5) and indistinct(real, accuracy(np.arange(100) < 30, 10, 0.95), 0.5)
    values = np.random.default_rng(0).normal(0.3, 0.1, 100)
    found = summary(values, 0.95)
    assert (found.mean, found.std) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert collapsed(found, found.low - 1e-9) and not collapsed(found, found.mean)
    assert collapsed(summary(np.ones(10), 0.95), 0.99)


def test_both_together_in_closed_form() -> None:
    found = together([1.0, 0.75, 0.5, 0.0], [0.1, 0.2, 0.3, 0.5], 0.3, 0.5)
    assert found.r_squared == pytest.approx(np.corrcoef([1, 0.75, 0.5, 0], [0.1, 0.2, 0.3, 0.5])[0, 1] ** 2)
    assert (found.low_diversity, found.low_accuracy_of_low_diversity, found.low_accuracy_of_diverse) == (2, 1.0, 0.0)
    assert np.isnan(together([1.0, 1.0], [0.1, 0.2], 0.3, 0.5).r_squared)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, "no labels, expected a source with classes"),
        ([0, 0, 1, 1, 2], "1 image of class 2 .*expected at least 2"),
        ([0, 0, 9, 9, 0], "labels 0 to 9 .*expected 0 to 3, the classifier's"),
        ([0, 0, -1, -1, 0], "labels -1 to 0"),
    ],
)
def test_bad_labels_end_in_one_line(tmp_path: Path, label: list[int] | None, message: str) -> None:
    arrays = {} if label is None else {"label": np.array(label)}
    pixels = np.zeros((5, 8, 8, 3), np.uint8)
    images.write(tmp_path / "a.h5", pixels, np.arange(5), Provenance("sample", "test"), **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        LabelledImages([tmp_path / "a.h5"], 5, 4)
    assert "\n" not in str(caught.value)
