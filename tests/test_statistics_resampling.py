"""What the number of images does to the distance: extrapolation, interval, baseline."""

import itertools

import numpy as np
import pytest

from lacuna.areas import moments, resampling
from lacuna.areas.frechet import frechet
from lacuna.areas.moments import Moments

CLASSES = 8


def population(seed: int) -> tuple[np.ndarray, np.ndarray, Moments]:
    """Mean, mixing matrix and exact moments of skewed areas: mixtures of independent exponentials.

    They differ so little that a quarter of the plug-in distance at 400 images is bias.
    """
    rng = np.random.default_rng(seed)
    mean = 0.1 * rng.standard_normal(CLASSES)
    mixing = 0.2 * rng.standard_normal((CLASSES, CLASSES)) + 2 * np.eye(CLASSES)
    return mean, mixing, Moments(0, mean, mixing @ mixing.T)


def drawn(seed: int, count: int, rng: np.random.Generator) -> np.ndarray:
    mean, mixing, _ = population(seed)
    return mean + (rng.exponential(size=(count, CLASSES)) - 1) @ mixing.T


def dealt(seed: int, count: int, rng: np.random.Generator) -> resampling.Blocks:
    return resampling.deal(drawn(seed, count, rng), 1.0, rng)


def test_all_blocks_together_are_the_sample() -> None:
    rng = np.random.default_rng(0)
    for count in (12, 100, 1003):
        rows = drawn(0, count, rng)
        blocks = resampling.deal(rows, 0.5, rng)
        found, expected = resampling.union(blocks, np.arange(len(blocks))), moments.of_rows(rows, 0.5)
        assert len(blocks) % 6 == 0 and found.count == count
        # Sums of a thousand numbers near 10 round at 1e-12.
        assert np.allclose(found.mean, expected.mean, atol=1e-11) and np.allclose(found.cov, expected.cov, atol=1e-11)


def test_parts_are_disjoint_and_complete() -> None:
    rng = np.random.default_rng(0)
    rows = np.eye(96)
    blocks = resampling.deal(rows, 1.0, rng)
    one, two = (resampling.union(blocks, half) for half in np.array_split(rng.permutation(96), 2))
    assert one.count == two.count == 48
    assert np.array_equal((one.mean > 0) + (two.mean > 0), np.ones(96)) and not ((one.mean > 0) & (two.mean > 0)).any()


def test_the_intercept_of_a_line_against_one_over_n_is_exact() -> None:
    assert resampling.intercept((1, 2, 3), (5 + 2 * 1, 5 + 2 * 2, 5 + 2 * 3)) == pytest.approx(5, abs=1e-12)


def test_same_seed_same_numbers() -> None:
    found = [
        resampling.baseline(dealt(0, 100, rng), dealt(1, 100, rng), 3, rng)
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    ]
    assert found[0] == found[1]


def test_too_few_images_are_one_line() -> None:
    with pytest.raises(ValueError, match="11 images, expected at least 12"):
        dealt(0, 11, np.random.default_rng(0))


def test_the_baseline_has_the_same_number_of_images_as_the_comparison() -> None:
    rng = np.random.default_rng(0)
    real = dealt(0, 960, rng)
    assert resampling.baseline(real, dealt(1, 960, rng), 2, rng).num_images == 480
    assert resampling.baseline(real, dealt(1, 240, rng), 2, rng).num_images == 240
    assert resampling.baseline(real, dealt(1, 12, rng), 2, rng).num_images == 10


def test_a_perfect_generator_is_as_far_as_the_baseline() -> None:
    rng = np.random.default_rng(1)
    found = resampling.baseline(dealt(0, 4000, rng), dealt(0, 4000, rng), 20, rng)
    assert found.low <= found.baseline <= found.high
    # Both are of 2,000 images per side; their spread over samples is about a quarter of their size.
    assert found.fsd == pytest.approx(found.baseline, rel=0.8)


def test_the_curve_falls_towards_the_distance_of_all_images() -> None:
    rng = np.random.default_rng(2)
    real, generated = dealt(0, 960, rng), dealt(1, 480, rng)
    curve = resampling.sample_size_curve(real, generated, 12, rng)
    assert [point.num_real for point in curve] == [960, 480, 320, 240, 160, 120]
    assert [point.num_generated for point in curve] == [480, 240, 160, 120, 80, 60]
    assert all(one.fsd < other.fsd for one, other in itertools.pairwise(curve))
    whole = frechet(*(resampling.union(side, np.arange(96)) for side in (real, generated))).fsd
    assert curve[0].fsd == pytest.approx(whole, rel=1e-12) and curve[0].baseline_fsd is None


def test_the_interval_holds_the_distance_of_the_populations() -> None:
    """300 pairs of 400 skewed images whose populations' distance is known exactly."""
    truth = frechet(population(0)[2], population(1)[2]).fsd
    held, plug_in, estimates = [], [], []
    for pair in range(300):
        rng = np.random.default_rng([7, pair])
        real, generated = dealt(0, 400, rng), dealt(1, 400, rng)
        fsd = float(resampling.part_distances(real, generated, 1, 1, rng)[0, 0])
        found = resampling.extrapolate(
            fsd, resampling.part_distances(real, generated, 2, 25, rng),
            resampling.part_distances(real, generated, 3, 5, rng), 0.95,
        )  # fmt: skip
        held.append(found.low <= truth <= found.high)
        plug_in.append(fsd)
        estimates.append(found.fsd)
    assert 0.90 <= np.mean(held) <= 0.98
    # The plug-in distance is biased upwards; what is left after extrapolation is a small part of that.
    assert abs(np.mean(estimates) - truth) < 0.3 * abs(np.mean(plug_in) - truth)


@pytest.mark.parametrize("count", [12, 13, 14, 17, 24, 40])
def test_few_images_give_numbers_everywhere(count: int) -> None:
    rng = np.random.default_rng(0)
    real, generated = dealt(0, count, rng), dealt(1, 12, rng)
    curve = resampling.sample_size_curve(real, generated, 4, rng)
    assert curve[0].num_real == count
    assert np.isfinite([point.fsd for point in curve]).all()
    assert np.isfinite([point.baseline_fsd for point in curve if point.baseline_fsd is not None]).all()
