"""Intervals of differences and ratios: closed forms, edge cases, and coverage where it is cheap."""

import numpy as np
import pytest
import scipy.stats

from lacuna.areas.intervals import ClassSummary, presence_ratio, relative_delta
from lacuna.areas.verdicts import summarise


def summary(count: int, area: float, variance: float, present: int) -> ClassSummary:
    return ClassSummary(count, np.array([area]), np.array([variance]), np.array([present]))


def test_the_interval_of_the_difference_is_that_of_the_log_ratio() -> None:
    delta, low, high = relative_delta(summary(400, 8.0, 16.0, 400), summary(100, 4.0, 4.0, 100), 0.95)
    real, generated = 16 / 400 / 64, 4 / 100 / 16
    freedom = (real + generated) ** 2 / (real**2 / 399 + generated**2 / 99)
    spread = scipy.stats.t.ppf(0.975, freedom) * np.sqrt(real + generated)
    assert delta[0] == -0.5
    assert low[0] == pytest.approx(0.5 * np.exp(-spread) - 1, abs=1e-6)
    assert high[0] == pytest.approx(0.5 * np.exp(spread) - 1, abs=1e-6)


def test_few_images_have_the_interval_of_students_test() -> None:
    """Equal counts and relative variances: Welch's degrees of freedom are those of both sides together."""
    side = summary(5, 4.0, 1.0, 5)
    _, low, high = relative_delta(side, side, 0.95)
    width = scipy.stats.t.ppf(0.975, 8) * np.sqrt(2 * 1 / 5 / 16)
    assert (np.log1p(low[0]), np.log1p(high[0])) == (pytest.approx(-width), pytest.approx(width))


def test_one_image_has_no_interval() -> None:
    one, many = summary(1, 4.0, np.nan, 1), summary(100, 4.0, 1.0, 100)
    for sides in ((one, many), (many, one), (one, one)):
        delta, low, high = relative_delta(*sides, 0.95)
        assert delta[0] == 0 and np.isnan([low[0], high[0]]).all()


@pytest.mark.parametrize("count", [3, 10])
def test_the_interval_of_few_images_holds_its_level(count: int) -> None:
    """Log-normal areas of one distribution on both sides: 95 % of the intervals hold no difference."""
    rng = np.random.default_rng(3)
    areas = np.exp(rng.normal(0, 0.2, (2, count, 4000)))
    sides = [summary_of(side) for side in areas]
    _, low, high = relative_delta(*sides, 0.95)
    covered = ((low <= 0) & (high >= 0)).mean()
    assert 0.94 < covered < 0.975  # 4,000 trials: standard error 0.0035; Welch's test is a little cautious at n = 3


def summary_of(areas_NC: np.ndarray) -> ClassSummary:
    count = len(areas_NC)
    return ClassSummary(count, areas_NC.mean(0), areas_NC.var(0, ddof=1), np.full(areas_NC.shape[1], count))


def test_a_class_that_is_gone_or_new_has_a_bound_on_the_other_end() -> None:
    there, absent = summary(1000, 2.0, 1.0, 100), summary(1000, 0.0, 0.0, 0)
    delta, low, high = relative_delta(there, absent, 0.95)
    assert (delta[0], low[0]) == (-1, -1)
    # No image of 1,000 shows it: its presence is under 0.37 %, against 10 % on the other side.
    assert high[0] == pytest.approx(-1 + 0.0037 / 0.1, abs=0.01)
    delta, low, high = relative_delta(absent, there, 0.95)
    assert delta[0] == high[0] == np.inf and 10 < low[0] < 30


def test_a_class_that_nobody_shows_has_no_number() -> None:
    absent = summary(50, 0.0, 0.0, 0)
    assert np.isnan(np.concatenate(relative_delta(absent, absent, 0.95))).all()
    assert np.isnan(np.concatenate(presence_ratio(absent, absent, 0.95))).all()


def test_the_presence_bound_is_that_of_koopman() -> None:
    # Koopman's own example: 36 of 40 against 16 of 80; the ratio 4.5 has the interval 2.94 to 7.15.
    ratio, high = presence_ratio(summary(80, 1, 1, 16), summary(40, 1, 1, 36), 0.95)
    assert ratio[0] == pytest.approx(4.5) and high[0] == pytest.approx(7.15, abs=0.005)
    _, high = presence_ratio(summary(40, 1, 1, 36), summary(80, 1, 1, 16), 0.95)
    assert 1 / high[0] == pytest.approx(2.94, abs=0.005)


def test_presence_at_the_edges() -> None:
    ratio, high = presence_ratio(summary(2000, 1, 1, 40), summary(2000, 0, 0, 0), 0.95)
    assert ratio[0] == 0 and 3.84 / 40 * 0.95 < high[0] < 3.84 / 40
    ratio, high = presence_ratio(summary(2000, 1, 1, 2000), summary(2000, 1, 1, 2000), 0.95)
    assert ratio[0] == 1 and 1 < high[0] < 1.003
    ratio, high = presence_ratio(summary(2000, 0, 0, 0), summary(2000, 1, 1, 9), 0.95)
    assert ratio[0] == high[0] == np.inf


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """A class in 10 % of images, its presence and area halved: 2,000 simulated pairs of 1,000 images."""
    rng = np.random.default_rng(0)
    presences, sizes = (0.1, 0.05), 500.0
    tables = [
        (rng.random((1000, 2000)) < presence) * np.ceil(rng.exponential(sizes, (1000, 2000))) for presence in presences
    ]
    real, generated = (summarise(table, 4096, 0.0) for table in tables)
    _, low, high = relative_delta(real, generated, 0.95)
    _, ratio_high = presence_ratio(real, generated, 0.95)
    # Two standard errors of a share of 2,000 are 1 %.
    assert np.mean((low <= -0.5) & (high >= -0.5)) == pytest.approx(0.95, abs=0.015)
    assert np.mean(ratio_high >= 0.5) == pytest.approx(0.975, abs=0.015)
