"""The Frechet distance has its closed forms, and its contributions add up to it."""

import numpy as np
import pytest

from lacuna.areas import moments
from lacuna.areas.frechet import contributions, frechet
from lacuna.areas.moments import Moments


def simplex(seed: int, num_images: int = 300, num_classes: int = 40, live: int = 25) -> Moments:
    """Areas that sum to 100 percent; the classes from `live` on never appear."""
    rng = np.random.default_rng(seed)
    rows = np.exp(rng.standard_normal((num_images, num_classes)) + 2 * np.cos(np.arange(num_classes)))
    rows[:, live:] = 0
    return moments.of_rows(100 * rows / rows.sum(axis=1, keepdims=True))


def test_a_source_is_at_distance_zero_from_itself() -> None:
    for one in (simplex(0), simplex(0, num_images=10), simplex(0, live=1)):
        # The trace is a few hundred, so rounding is near 1e-13 times that.
        assert abs(frechet(one, one).fsd) < 1e-9


def test_a_shifted_mean_costs_its_squared_length() -> None:
    one = simplex(0)
    step = np.arange(40) / 10
    found = frechet(one, Moments(one.count, one.mean + step, one.cov))
    assert found.mean_term == pytest.approx(step @ step, abs=1e-9)
    assert found.fsd == pytest.approx(step @ step, abs=1e-9)


def test_independent_classes_cost_the_difference_of_their_deviations() -> None:
    a, b = np.array([1.0, 4.0, 0.0, 9.0]), np.array([4.0, 4.0, 25.0, 0.0])
    found = frechet(Moments(9, np.zeros(4), np.diag(a)), Moments(9, np.zeros(4), np.diag(b)))
    assert found.covariance_term == pytest.approx(((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), abs=1e-12)
    assert found.mean_term == 0


def test_the_distance_is_symmetric_and_blind_to_dead_classes() -> None:
    a, b = simplex(0), simplex(1, num_images=20)
    live = np.arange(25)
    assert frechet(a, b).fsd == pytest.approx(frechet(b, a).fsd, abs=1e-9)
    assert frechet(moments.restrict(a, live), moments.restrict(b, live)).fsd == pytest.approx(
        frechet(a, b).fsd, abs=1e-9
    )


def test_rounding_of_the_moments_does_not_show() -> None:
    """A class that only one side has: its direction and that of the sum to 100 are singular on one side alone."""
    rng = np.random.default_rng(0)
    tables = [rng.integers(1, 99, (500, 6)).astype(float) for _ in range(2)]
    tables[1][:, 2] = 0
    tables = [100 * table / table.sum(axis=1, keepdims=True) for table in tables]
    whole = frechet(*(moments.of_rows(table) for table in tables)).fsd
    parts = frechet(*(moments.streamed(np.array_split(table, 7)) for table in tables)).fsd
    assert whole == pytest.approx(parts, abs=1e-10)


def test_constant_areas_have_no_covariance_term() -> None:
    a, b = Moments(5, np.array([1.0, 2.0]), np.zeros((2, 2))), Moments(5, np.array([1.0, 4.0]), np.zeros((2, 2)))
    assert frechet(a, b).fsd == 4 and contributions(a, b).by_class.tolist() == [0, 4]


@pytest.mark.parametrize(("a", "b"), [(0, 1), (0, 0)])
@pytest.mark.parametrize("num_images", [300, 12])
def test_contributions_are_not_negative_and_add_up(a: int, b: int, num_images: int) -> None:
    one, other = simplex(a), simplex(b, num_images)
    shares, found = contributions(one, other), frechet(one, other)
    # The coupling leaves out directions under 1e-12 of the strongest, which is near 1e2: 40 of them weigh 4e-9 at most.
    assert shares.mean_C.sum() == pytest.approx(found.mean_term, abs=1e-9)
    assert shares.pair_CC.sum() == pytest.approx(found.covariance_term, abs=1e-8)
    assert shares.by_class.sum() == pytest.approx(found.fsd, abs=1e-8)
    assert shares.mean_C.min() >= 0 and shares.pair_CC.min() >= 0
    assert not shares.by_class[25:].any()
    pairs = shares.heaviest_pairs(40 * 41 // 2)
    assert sum(value for *_, value in pairs) == pytest.approx(found.covariance_term, abs=1e-8)
    assert all(i <= j for i, j, _ in pairs) and sorted((-value for *_, value in pairs)) == [
        -value for *_, value in pairs
    ]


def test_what_a_class_contributes_does_not_depend_on_the_side() -> None:
    a, b = simplex(0), simplex(1)
    assert np.allclose(contributions(a, b).by_class, contributions(b, a).by_class, atol=1e-7)


def test_a_class_that_one_side_lacks_contributes_its_mean_square() -> None:
    variance, mean = np.array([1.0, 4.0]), np.array([3.0, 2.0])
    whole = Moments(9, mean, np.diag(variance))
    lacking = Moments(9, np.array([3.0, 0.0]), np.diag([1.0, 0.0]))
    assert np.allclose(contributions(whole, lacking).by_class, [0, 2.0**2 + 4], atol=1e-12)


def test_other_class_lists_are_one_line() -> None:
    with pytest.raises(ValueError, match="differ in length, 40 and 39"):
        frechet(simplex(0), moments.restrict(simplex(0), np.arange(39)))
