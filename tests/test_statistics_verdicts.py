"""The rule of the verdicts, and the tests that it rests on."""

from collections.abc import Iterator

import numpy as np
import pytest

from lacuna.areas import verdicts
from lacuna.areas.intervals import ClassSummary
from lacuna.areas.permutations import deals, permutation_test
from lacuna.areas.verdicts import Thresholds, verdict

NAN = float("nan")
LIMITS = Thresholds()


@pytest.mark.parametrize(
    ("presence_ratio_high", "q", "low", "high", "expected"),
    [
        (0.19, 0.001, -1.0, -0.9, "omitted"),
        (0.20, 0.001, -1.0, -0.9, "reduced"),
        (0.19, 0.9, -0.3, 0.3, "omitted"),
        (0.9, 0.049, -0.5, -0.11, "reduced"),
        (0.9, 0.05, -0.5, -0.11, "undecided"),
        (0.9, 0.001, -0.5, -0.1, "undecided"),
        (1.5, 0.001, 0.11, 0.5, "excess"),
        (1.5, 0.05, 0.11, 0.5, "undecided"),
        (1.0, 0.001, 0.05, 0.5, "undecided"),
        (1.0, 0.9, -0.1, 0.1, "kept"),
        (1.0, 0.0001, 0.02, 0.08, "kept"),
        (1.0, 0.9, -0.11, 0.1, "undecided"),
        (float("inf"), 0.001, 5.0, float("inf"), "excess"),
        (NAN, NAN, NAN, NAN, "undecided"),
    ],
)
def test_the_rule(presence_ratio_high: float, q: float, low: float, high: float, expected: str) -> None:
    assert verdict(presence_ratio_high, q, low, high, LIMITS) == expected
    assert expected in verdicts.VERDICTS


def test_thresholds_are_settings() -> None:
    assert verdict(0.3, 1.0, -0.9, -0.5, Thresholds(omitted_below=0.4)) == "omitted"
    assert verdict(0.9, 0.2, -0.5, -0.2, Thresholds(q_below=0.3)) == "reduced"
    assert verdict(1.0, 0.9, -0.2, 0.2, Thresholds(changed_by=0.25)) == "kept"


def test_the_permutation_test_is_exact_on_a_case_that_can_be_counted() -> None:
    # 3 against 3 images: of the 20 ways to deal 6 areas, 2 are as extreme as all large ones on one side.
    real, generated = np.array([[1], [2], [3]]), np.array([[7], [8], [9]])
    p = permutation_test(real, generated, deals(3, 3, 20_000, np.random.default_rng(0))).each
    assert p[0] == pytest.approx(2 / 20, abs=0.01)


def with_p(p: list[float]) -> verdicts.ClassTests:
    """Tests of which only p matters."""
    nothing = np.full(len(p), NAN)
    summary = ClassSummary(10, nothing, nothing, nothing)
    return verdicts.ClassTests(summary, summary, *[nothing] * 5, p=np.array(p), q=np.zeros(len(p)))


def test_tables_of_one_family_are_corrected_as_one_table() -> None:
    # Benjamini and Hochberg by hand: of m = 6 tested classes, p_(i) 6 / i made monotone from above.
    one, other, none = with_p([0.01, NAN, 0.04]), with_p([0.03, 0.5, 0.002, 0.03]), with_p([NAN])
    found = verdicts.one_family([one, other, none])
    np.testing.assert_allclose(found[0].q, [0.03, NAN, 0.048], rtol=1e-12)
    np.testing.assert_allclose(found[1].q, [0.045, 0.5, 0.012, 0.045], rtol=1e-12)
    assert np.isnan(found[2].q).all() and [len(tests.q) for tests in found] == [3, 4, 1]
    assert verdicts.one_family([other])[0].q.tolist() == pytest.approx([0.04, 0.5, 0.008, 0.04])


def test_claims_do_not_multiply_with_the_number_of_tables() -> None:
    """A hundred tables without any difference: corrected one by one some would hold a claim, together hardly any."""
    rng = np.random.default_rng(0)
    tables = [with_p(rng.random(10).tolist()) for _ in range(100)]
    alone = sum((verdicts.one_family([tests])[0].q < 0.05).any() for tests in tables)
    together = sum((tests.q < 0.05).any() for tests in verdicts.one_family(tables))
    assert alone >= 2 and together == 0  # 5 % of 100 tables are expected to hold one


def test_deals_choose_the_smaller_side_and_may_serve_many_tests() -> None:
    batches = list(deals(9, 4, 70, np.random.default_rng(0)))
    together = np.concatenate(batches)
    assert together.shape == (70, 13) and (together.sum(axis=1) == 4).all() and set(np.unique(together)) == {0, 1}
    assert len(np.unique(together, axis=0)) > 60, "they differ"
    areas = np.arange(13)[:, None] ** 2
    once = [permutation_test(areas[:9], areas[9:], batches).each[0] for _ in range(2)]
    assert (
        once[0] == once[1] == permutation_test(areas[:9], areas[9:], deals(9, 4, 70, np.random.default_rng(0))).each[0]
    )


def test_equal_areas_everywhere_give_no_evidence() -> None:
    same = np.full((9, 1), 5)
    assert permutation_test(same, same[:4], deals(9, 4, 99, np.random.default_rng(0))).each.tolist() == [1.0]


def test_p_is_uniform_where_nothing_changed_also_for_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    rare = (rng.random((200, 1000)) < 0.03) * rng.integers(1, 2000, (200, 1000))
    common = rng.integers(1, 2000, (200, 1000))
    for areas in (rare, common):
        p = permutation_test(areas[:100], areas[100:], deals(100, 100, 999, rng)).each
        # Three standard errors of a share of 1,000 at 5 % are 2 %; a rare class may reject less, never more.
        assert np.mean(p <= 0.05) <= 0.07
        assert np.mean(p <= 0.5) <= 0.55
    assert np.mean(p <= 0.05) >= 0.03


def planted() -> tuple[np.ndarray, np.ndarray]:
    """2,000 images per side of 64 x 64: kept, omitted, halved, doubled, smaller where it appears, rare, in nobody's."""
    rng = np.random.default_rng(3)
    presence = np.array([0.8, 0.3, 0.3, 0.3, 0.3, 0.002, 0.0])
    factor = np.array([1.0, 0.0, 0.5, 2.0, 1.0, 1.0, 1.0])
    sizes = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0])
    real = (rng.random((2000, 7)) < presence) * rng.integers(50, 500, (2000, 7))
    generated = (rng.random((2000, 7)) < presence * factor) * (rng.integers(50, 500, (2000, 7)) * sizes).astype(int)
    return real, generated


def dealt(permutations: int) -> Iterator[np.ndarray]:
    return deals(2000, 2000, permutations, np.random.default_rng(0))


def test_planted_changes_are_found() -> None:
    real, generated = planted()
    tests = verdicts.compare_classes(real, generated, 4096, 0.2, 0.95, dealt(1999))
    expected = ["kept", "omitted", "reduced", "excess", "reduced", "undecided", "undecided"]
    assert verdicts.verdicts(tests, LIMITS) == expected
    assert np.isnan([tests.p[-1], tests.q[-1]]).all() and not np.isnan(tests.q[:-1]).any()
    assert (tests.q[:-1] >= tests.p[:-1]).all()


def test_presence_is_more_than_a_share_of_the_image() -> None:
    found = verdicts.summarise(np.array([[8], [9], [0], [4096]]), 4096, 0.2)  # 0.2 % of 4,096 pixels are 8.19
    assert found.present.tolist() == [2]
    assert found.area[0] == pytest.approx(100 * (8 + 9 + 4096) / 4 / 4096)


def test_rows_follow_the_columns() -> None:
    real, generated = planted()
    tests = verdicts.compare_classes(real, generated, 4096, 0.2, 0.95, dealt(99))
    names = [f"class{place}" for place in range(7)]
    rows = verdicts.rows(names, ["object"] * 7, tests, np.arange(7.0), LIMITS)
    found = dict(zip(verdicts.COLUMNS, rows[1], strict=True))
    assert len(verdicts.COLUMNS) == 14 and found["class"] == "class1" and found["verdict"] == "omitted"
    assert found["relative_delta"] == -1 and found["fsd_contribution"] == 1 and found["generated_presence"] == 0
    assert verdicts.COLUMNS[-1] == "verdict" and verdicts.COLUMNS[:2] == ("class", "category")
