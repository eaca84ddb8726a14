"""Is B nearer than A: the interval holds the truth as often as it says, and a false claim is rare.

Tables are synthetic: ground and seven objects, each in a share of the images, of areas that vary. The true difference
is that of the moments of a million images and a half; 0 where A and B are of one law.
"""

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from lacuna.areas import contrast
from lacuna.areas.moments import Moments, of_rows
from lacuna.areas.resampling import deal

PRESENCE = np.array([0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02])
AREA = np.array([12.0, 8.0, 6.0, 5.0, 6.0, 8.0, 10.0])  # mean where present, percent
REPEATS, COUNT, SPLITS = 150, 200, 25
Changes = dict[int, float]


def table(rng: np.random.Generator, count: int, changes: Changes) -> NDArray[np.float64]:
    presence_C = PRESENCE.copy()
    for place, factor in changes.items():
        presence_C[place] *= factor
    shown_NC = rng.random((count, len(AREA))) < presence_C
    object_NC = np.minimum(shown_NC * AREA * rng.gamma(2, 0.5, shown_NC.shape), 90 / len(AREA))
    return np.column_stack([100 - object_NC.sum(axis=1), object_NC])


@functools.cache
def true_moments(changes: tuple[tuple[int, float], ...]) -> Moments:
    return of_rows(table(np.random.default_rng(99), 1_500_000, dict(changes)))


def population(changes: Changes) -> Moments:
    return true_moments(tuple(changes.items()))


CASES: dict[str, tuple[Changes, Changes]] = {
    "both are of the real law": ({}, {}),
    "both leave out the same": ({1: 0.5}, {1: 0.5}),
    "a leaves out more": ({1: 0.4}, {1: 0.8}),
    "they differ from the real law in opposite ways": ({1: 0.6}, {1: 1.4}),
    "a loses a rare class": ({6: 0.0}, {}),
}


def true_difference(case: str) -> float:
    a, b = CASES[case]
    distances = contrast.distances(population({}), population(a), population(b))
    return 0.0 if a == b else distances[0] - distances[1]


@pytest.fixture(scope="module")
def contrasts() -> dict[str, list[contrast.Contrast]]:
    """Many contrasts of each case, each on images of its own."""
    rng = np.random.default_rng(1)
    return {
        case: [
            contrast.contrast(*(deal(table(rng, COUNT, changes), 1.0, rng) for changes in ({}, a, b)), SPLITS, rng)
            for _ in range(REPEATS)
        ]
        for case, (a, b) in CASES.items()
    }


def test_the_interval_holds_the_truth_as_often_as_it_says(contrasts: dict[str, list[contrast.Contrast]]) -> None:
    truths = {case: true_difference(case) for case in CASES}
    held = {case: np.mean([one.low <= truths[case] <= one.high for one in found]) for case, found in contrasts.items()}
    assert min(held.values()) >= 0.90, held
    assert 0.90 <= np.mean(list(held.values())) <= 0.98, held


@pytest.mark.parametrize("case", CASES)
def test_neither_side_is_falsely_called_better(contrasts: dict[str, list[contrast.Contrast]], case: str) -> None:
    truth = true_difference(case)
    for better, is_true in (("b_nearer", truth > 0), ("a_nearer", truth < 0)):
        called = np.mean([one.verdict == better for one in contrasts[case]])
        assert is_true or called <= 0.05, better


def test_what_is_plain_is_said() -> None:
    rng = np.random.default_rng(3)
    sides = [deal(table(rng, 2000, changes), 1.0, rng) for changes in ({}, {0: 0.2}, {0: 0.9})]
    found = contrast.contrast(*sides, 50, rng)
    assert found.verdict == "b_nearer" and found.probability > 0.999 and found.low < found.difference < found.high
    turned = contrast.contrast(sides[0], sides[2], sides[1], 50, rng)
    assert turned.verdict == "a_nearer" and turned.probability < 0.001 and turned.of_all == -found.of_all


def test_equal_sources_are_at_no_distance_from_each_other() -> None:
    rng = np.random.default_rng(4)
    real, same = (deal(table(rng, 100, {}), 1.0, rng) for _ in range(2))
    found = contrast.contrast(real, same, same, 20, rng)
    assert found.of_all == 0 and found.verdict == "undecided"
