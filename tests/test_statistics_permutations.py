"""Correction for the number of classes by the deals themselves: Westfall and Young's maxT."""

import itertools

import numpy as np
import pytest

from lacuna.areas import verdicts
from lacuna.areas.permutations import Extremes, deals, group_test, permutation_test

BELOW = 0.05


def test_the_correction_is_exact_on_a_case_that_can_be_counted() -> None:
    """All 20 ways to deal 3 and 3 images; the family's p counted by hand, a class at a time."""
    areas_TC = np.array([[1, 5, 3], [2, 1, 3], [4, 2, 3], [7, 6, 3], [9, 3, 3], [8, 7, 3]])
    every = np.array([[t in side for t in range(6)] for side in itertools.combinations(range(6), 3)], dtype=float)
    found = permutation_test(areas_TC[:3], areas_TC[3:], [every])
    deviation_C = np.where(areas_TC.std(axis=0) > 0, areas_TC.std(axis=0), 1)
    statistics_BC = np.abs(every @ areas_TC - areas_TC.sum(axis=0) / 2) / deviation_C
    observed_C = statistics_BC[-1]  # images 3, 4 and 5 on one side
    assert observed_C.argsort().tolist() == [2, 1, 0]
    each = [(statistics_BC[:, c] >= observed_C[c] - 1e-12).sum() for c in range(3)]
    first = (statistics_BC.max(axis=1) >= observed_C[0] - 1e-12).sum()
    second = (statistics_BC[:, 1:].max(axis=1) >= observed_C[1] - 1e-12).sum()
    np.testing.assert_allclose(found.each, (1 + np.array(each)) / 21)
    np.testing.assert_allclose(found.family, (1 + np.array([first, second, 20])) / 21)


def test_the_familys_p_is_never_under_the_classs_own_and_follows_the_statistics() -> None:
    rng = np.random.default_rng(2)
    observed_C = np.abs(rng.normal(size=30)) * 2
    extremes = Extremes(observed_C)
    for _ in range(5):
        extremes.add(np.abs(rng.normal(size=(64, 30))))
    found = extremes.p_values()
    assert (found.family >= found.each).all() and found.family.max() <= 1
    assert (np.diff(found.family[np.argsort(-observed_C, kind="stable")]) >= 0).all()


def areas(rng: np.random.Generator, count: int, lost: float = 0.0) -> np.ndarray:
    """Whole pixels of ten classes that fill an image, so what one gains the others lose; the last loses a share."""
    share_NC = rng.dirichlet(np.r_[4.0, np.full(8, 0.4), 0.4 * (1 - lost)], size=count)
    return np.round(share_NC * 4096)


@pytest.mark.parametrize("sizes", ["equal groups", "groups of several sizes"])
def test_a_false_claim_in_any_class_is_as_rare_as_promised(sizes: str) -> None:
    rng = np.random.default_rng(0)
    dealt = list(deals(60, 60, 199, rng))
    claims = 0
    for _ in range(200):
        real_GC, generated_GC = areas(rng, 60), areas(rng, 60)
        if sizes == "equal groups":
            found = permutation_test(real_GC, generated_GC, dealt)
        else:
            size_G = rng.integers(1, 4, (2, 60)).astype(float)
            found = group_test(real_GC * size_G[0][:, None], generated_GC * size_G[1][:, None], tuple(size_G), dealt)
        claims += bool((found.family <= BELOW).any())
    assert claims / 200 <= 0.05 + 3 * 0.0154  # three standard errors of a share of 200 at 5 %


def test_a_strong_change_is_found_under_either_correction() -> None:
    rng = np.random.default_rng(1)
    real, generated = areas(rng, 300), areas(rng, 300, lost=0.9)
    q = {
        adjust: verdicts.compare_classes(real, generated, 4096, 0.2, 0.95, deals(300, 300, 999, rng), adjust).q
        for adjust in (verdicts.BH, verdicts.MAXT)
    }
    assert q["bh"][9] < BELOW and q["maxt"][9] < BELOW
    assert not np.array_equal(q["bh"], q["maxt"])
