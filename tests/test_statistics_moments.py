"""Moments are the same whatever the chunks and their order."""

import numpy as np
import pytest

from lacuna.areas import moments
from lacuna.areas.moments import Moments


@pytest.fixture(scope="module")
def areas() -> np.ndarray:
    """Pixel counts of 1,000 images: 5 classes, one of which no image shows, one with a large mean and small spread."""
    rng = np.random.default_rng(0)
    found = rng.integers(0, 400, (1000, 5)).astype(np.uint32)
    found[:, 3] = 0
    found[:, 4] += 60000
    return found


def close(found: Moments, expected: Moments) -> bool:
    # Rounding of sums of 1,000 numbers of size 1e2 is near 1e-12.
    return (
        found.count == expected.count
        and np.allclose(found.mean, expected.mean, rtol=0, atol=1e-10)
        and np.allclose(found.cov, expected.cov, rtol=0, atol=1e-10)
    )


def test_moments_are_those_of_numpy_with_divisor_n_minus_one(areas: np.ndarray) -> None:
    percent = areas * (100 / 65536)
    found = moments.of_rows(areas, 100 / 65536)
    assert close(found, Moments(1000, percent.mean(axis=0), np.cov(percent, rowvar=False)))
    assert found.cov[3].tolist() == [0.0] * 5


def test_order_and_size_of_chunks_do_not_matter(areas: np.ndarray) -> None:
    whole = moments.of_rows(areas, 100 / 65536)
    rng = np.random.default_rng(1)
    for chunks in (1, 7, 1000):
        parts = np.array_split(areas, chunks)
        assert close(moments.streamed((parts[place] for place in rng.permutation(chunks)), 100 / 65536), whole)


def test_merging_is_symmetric(areas: np.ndarray) -> None:
    a, b = moments.of_rows(areas[:1]), moments.of_rows(areas[1:])
    assert close(moments.merge(a, b), moments.merge(b, a))
    assert close(moments.merge(a, b), moments.of_rows(areas))


def test_restricting_is_the_moments_of_the_columns(areas: np.ndarray) -> None:
    chosen = np.array([True, False, True, False, True])
    assert close(moments.restrict(moments.of_rows(areas), chosen), moments.of_rows(areas[:, chosen]))


def test_bad_tables_are_one_line(areas: np.ndarray) -> None:
    with_nan = areas.astype(float)
    with_nan[17, 2] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity, first in row 17"):
        moments.of_rows(with_nan)
    with pytest.raises(ValueError, match="expected at least one image"):
        moments.streamed([areas[:0]])
    with pytest.raises(ValueError, match="5 and of 4 classes cannot be merged"):
        moments.merge(moments.of_rows(areas), moments.of_rows(areas[:, 1:]))
