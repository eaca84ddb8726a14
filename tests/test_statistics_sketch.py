"""What is kept of a table does not depend on how it comes, and is all of it where it is small."""

import numpy as np
import pytest

from lacuna.areas import moments, resampling, sketch
from lacuna.areas.permutations import deals, permutation_test

UNIT = 100 / 1024


def table(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return ((rng.random((count, 4)) < 0.4) * rng.integers(1, 300, (count, 4))).astype(np.uint32)


def sketched(areas: np.ndarray, chunks: int, size: int) -> sketch.Sketch:
    rng = np.random.default_rng(3)
    return sketch.sketch(np.array_split(areas, chunks), len(areas), 10.5, UNIT, size, rng)


def test_a_small_table_is_kept_as_it_is() -> None:
    areas = table(50)
    found = sketched(areas, 3, sketch.group_size(50, 9))
    assert np.array_equal(found.groups_GC, areas) and np.array_equal(found.sample_SC, areas)
    assert found.present_C.tolist() == (areas > 10.5).sum(axis=0).tolist()


@pytest.mark.parametrize("chunks", [1, 7])
def test_blocks_together_are_the_table_whatever_the_chunks(chunks: int) -> None:
    areas = table(1000)
    blocks = sketched(areas, chunks, 1).blocks
    assert blocks is not None and blocks.count_K.sum() == 1000 and np.ptp(blocks.count_K) <= 1
    whole = moments.of_rows(areas, UNIT)
    found = resampling.union(blocks, np.arange(len(blocks)))
    assert np.allclose(found.cov, whole.cov, atol=1e-10) and np.allclose(found.mean, whole.mean, atol=1e-10)
    same = sketched(areas, 1, 1).blocks
    assert same is not None and np.allclose(blocks.mean_KC, same.mean_KC, atol=1e-10)
    assert np.allclose(blocks.scatter_KCC, same.scatter_KCC, atol=1e-8)


def test_groups_are_disjoint_and_of_equal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "MOST_GROUPS", 30)
    size = sketch.group_size(100, 80)
    assert size == 4 and sketch.group_size(30, 30) == 1 and sketch.group_size(31, 2) == 2
    numbered = np.eye(102, dtype=np.uint32)
    found = sketched(numbered, 5, size).groups_GC
    assert found.shape == (25, 102) and (found.sum(axis=1) == 4).all() and found.max() == 1
    assert found.sum(axis=0).max() == 1 and found.sum() == 100, "images that fill no group are left out"


def test_the_sample_is_random_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "MOST_SAMPLE", 20)
    found = sketched(np.eye(90, dtype=np.uint32), 4, 1).sample_SC
    assert found.shape == (20, 90) and (found.sum(axis=1) == 1).all() and found.sum(axis=0).max() == 1
    assert np.flatnonzero(found.sum(axis=0)).max() > 40


def test_columns_are_restricted_everywhere() -> None:
    areas = table(200)
    chosen, part = np.array([2, 0]), sketched(areas[:, [2, 0]], 2, 1)
    found = sketched(areas, 2, 1).columns(chosen)
    for name in ("present_C", "groups_GC", "sample_SC"):
        assert np.array_equal(getattr(found, name), getattr(part, name))
    assert found.blocks is not None and part.blocks is not None
    assert np.allclose(found.blocks.scatter_KCC, part.blocks.scatter_KCC, atol=1e-9)
    assert sketched(areas[:5], 1, 1).columns(chosen).blocks is None


def test_the_permutation_test_on_groups_is_valid_and_as_sharp() -> None:
    """2,000 classes without a change, 4,000 images per side in groups of 4; and one class that lost 30 %."""
    rng = np.random.default_rng(4)
    sides = [(rng.random((4000, 2000)) < 0.1) * rng.exponential(10, (4000, 2000)) for _ in range(2)]
    sides[1][:, 0] *= 0.7
    groups = [side.reshape(1000, 4, 2000).sum(axis=1) for side in sides]
    p = permutation_test(*groups, deals(1000, 1000, 199, rng)).each
    # Three standard errors of a share of 2,000 at 5 % are 1.5 %.
    assert np.mean(p[1:] <= 0.05) == pytest.approx(0.05, abs=0.015)
    assert p[0] <= 0.02
