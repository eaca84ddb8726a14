"""The kernel distance has its closed forms, no bias, and an interval that holds."""

import numpy as np
import pytest

from lacuna.areas.kernel import FEWEST_BLOCKS, kernel_distance, unbiased_mmd


def test_it_is_the_mean_over_pairs_of_different_images() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((5, 3)), rng.random((4, 3))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return (float(a @ b) + 1) ** 3

    within_x = np.mean([kernel(x[i], x[j]) for i in range(5) for j in range(5) if i != j])
    within_y = np.mean([kernel(y[i], y[j]) for i in range(4) for j in range(4) if i != j])
    between = np.mean([kernel(a, b) for a in x for b in y])
    assert unbiased_mmd(x, y) == pytest.approx(within_x + within_y - 2 * between, abs=1e-12)


def test_constant_areas_have_a_closed_form() -> None:
    # Images that are all sky against images that are all grass: k = 8 within, 1 between.
    sky, grass = np.tile([1.0, 0.0], (45, 1)), np.tile([0.0, 1.0], (45, 1))
    assert unbiased_mmd(sky, grass) == pytest.approx(8 + 8 - 2)
    found = kernel_distance(sky, grass, 0.95, np.random.default_rng(0))
    assert found is not None and found.value == found.low == found.high == pytest.approx(14)


def test_classes_that_nobody_shows_change_nothing() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((40, 3)), rng.random((40, 3))
    wide = [np.pad(rows, ((0, 0), (0, 300))) for rows in (x, y)]
    assert unbiased_mmd(*wide) == pytest.approx(unbiased_mmd(x, y), abs=1e-12)


def test_few_images_have_no_kernel_distance() -> None:
    rows = np.zeros((2 * FEWEST_BLOCKS - 1, 2))
    assert kernel_distance(rows, rows, 0.95, np.random.default_rng(0)) is None


def test_it_has_no_bias_and_its_interval_holds_the_truth() -> None:
    """400 pairs of 400 images of two classes with probabilities 0.3 and 0.5: k is 8 within a class and 1 between."""
    p, q = 0.3, 0.5
    truth = 7 * ((p**2 + (1 - p) ** 2) + (q**2 + (1 - q) ** 2) - 2 * (p * q + (1 - p) * (1 - q)))
    for generated, expected in ((q, truth), (p, 0.0)):
        values, held = [], []
        for pair in range(400):
            rng = np.random.default_rng([5, pair])
            x, y = (np.eye(2)[(rng.random(400) < share).astype(int)] for share in (p, generated))
            found = kernel_distance(x, y, 0.95, rng)
            assert found is not None
            values.append(found.value)
            held.append(found.low <= expected <= found.high)
        # Three standard errors of the mean of 400, and of a share near 95 %.
        assert np.mean(values) == pytest.approx(expected, abs=3 * np.std(values) / 20)
        assert 0.91 <= np.mean(held) <= 0.99
