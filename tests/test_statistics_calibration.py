"""Planting and judging: who is left out where, what is then true, and how verdicts are counted."""

import numpy as np
import pytest

from lacuna.areas.calibration import (
    Cell,
    Pool,
    Rule,
    found,
    holds,
    null_cells,
    planted_cells,
    thinned,
    truth,
    unchanged,
)
from lacuna.areas.verdicts import Thresholds

LIMITS = Thresholds()
RULE = Rule(LIMITS, 0.2, 0.95, 199)


@pytest.fixture(scope="module")
def pool() -> Pool:
    """2,000 scenes of 1,000 pixels: ground, a common and a rare object; where one is left out there is ground."""
    rng = np.random.default_rng(0)
    objects = (rng.random((2000, 2)) < (0.5, 0.2)) * rng.integers(50, 150, (2000, 2))
    whole = np.column_stack([1000 - objects.sum(axis=1), objects])
    without = {}
    for place in (1, 2):
        without[place] = whole.copy()
        without[place][:, 0] += whole[:, place]
        without[place][:, place] = 0
    return Pool(whole, without, 1000)


def test_only_the_chosen_scenes_lose_the_object(pool: Pool) -> None:
    removed = np.arange(2000) % 2 == 0
    rows = np.array([7, 4, 4, 0])
    areas = thinned(pool, 1, removed, rows)
    assert np.array_equal(areas[0], pool.whole_NC[7]) and np.array_equal(areas[1:], pool.without_NC[1][rows[1:]])


def test_the_truth_is_linear_in_the_strength(pool: Pool) -> None:
    half, all_ = truth(pool, 1, 0.5, 0.2), truth(pool, 1, 1.0, 0.2)
    assert all_.delta[1] == -1 and all_.presence_ratio[1] == 0
    assert half.delta[1] == pytest.approx(-0.5) and half.presence_ratio[1] == pytest.approx(0.5)
    freed = pool.whole_NC[:, 1].mean() / pool.whole_NC[:, 0].mean()
    assert half.delta[0] == pytest.approx(freed / 2) and half.presence_ratio[0] == 1
    assert half.delta[2] == 0 == unchanged(3).delta[2]


@pytest.mark.parametrize(
    ("word", "delta", "ratio", "true"),
    [
        ("omitted", -0.9, 0.19, True),
        ("omitted", -0.8, 1 - 0.8, False),  # a rounding error under 0.2
        ("omitted", -0.8, 0.5, False),
        ("reduced", -0.11, 1.0, True),
        ("reduced", -0.1, 1.0, False),
        ("excess", 0.11, 1.0, True),
        ("excess", 0.0, 1.0, False),
        ("kept", -1.0, 0.0, True),
        ("undecided", -1.0, 0.0, True),
    ],
)
def test_a_verdict_is_true_where_its_claim_is(word: str, delta: float, ratio: float, true: bool) -> None:
    assert holds(word, delta, ratio, LIMITS) == true


def test_verdicts_are_counted() -> None:
    cell = Cell()
    cell.add(["kept", "omitted", "excess"], [True, True, False], 1)
    cell.add(["kept", "reduced", "undecided"], [True, False, True], 1)
    cell.add(["kept", "undecided", "kept"], [True, True, True], 1)
    assert (cell.comparisons, cell.claims, cell.true_claims, cell.classes) == (3, 3, 1, 9)
    assert cell.share("omitted") == pytest.approx(1 / 3) and cell.share("omitted", "reduced") == pytest.approx(2 / 3)
    assert cell.precision == pytest.approx(1 / 3) and cell.false_positives == pytest.approx(2 / 9)
    assert found(cell, 1.0) == pytest.approx(1 / 3) and found(cell, 0.5) == pytest.approx(2 / 3)
    assert np.isnan(Cell().precision)


def test_omissions_are_found_and_no_change_is_claimed_where_there_is_none(pool: Pool) -> None:
    rng = np.random.default_rng(1)
    pools = {"exact": pool}
    gone = planted_cells(pools, 2, 1.0, 800, 10, RULE, rng)["exact"]
    halved = planted_cells(pools, 1, 0.5, 800, 10, RULE, rng)["exact"]
    assert found(gone, 1.0) == 1 and gone.precision == 1 and found(halved, 0.5) == 1
    null = null_cells(pools, 800, 10, RULE, rng)["exact"]
    assert len(null) == 3 and all(cell.comparisons == 10 and cell.claims == 0 for cell in null)


def test_a_blind_instrument_finds_nothing(pool: Pool) -> None:
    """Segmented areas in which the object stays whatever is left out; the truth is that of the exact ones."""
    blind = Pool(pool.whole_NC, {1: pool.whole_NC, 2: pool.whole_NC}, 1000)
    cells = planted_cells({"exact": pool, "segmented": blind}, 2, 1.0, 500, 5, RULE, np.random.default_rng(2))
    assert found(cells["exact"], 1.0) == 1 and found(cells["segmented"], 1.0) == 0


def test_inventing_is_no_true_claim(pool: Pool) -> None:
    """An instrument that sees twice as much of the rare object where the common one is left out."""
    wrong = pool.without_NC[1].copy()
    wrong[:, 2] *= 2
    cells = planted_cells({"exact": pool, "segmented": Pool(pool.whole_NC, {1: wrong}, 1000)}, 1, 1.0, 900, 4, RULE,
                          np.random.default_rng(3))  # fmt: skip
    assert cells["exact"].precision == 1 and cells["segmented"].precision == pytest.approx(0.5)
    assert cells["segmented"].false_positives == pytest.approx(1 / 3)
