"""The distance against the numbers of the published code."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from golden_folder import GoldenArrays, GoldenFolder, array_names

from lacuna.areas import moments
from lacuna.areas.frechet import FrechetDistance, frechet
from lacuna.areas.moments import Moments
from lacuna.formats import areas
from lacuna.stages import tabulate

FILE = "c_fsd"
QUANTITIES = ("result", "eigh_covdiff", "input_stats", "used_eps_offset")
# The README's: the published root of a product is itself good to 1e-6 where the covariance is singular.
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@dataclass(frozen=True)
class Case:
    """Two samples of the recipe, and what lies between them."""

    samples: tuple[np.ndarray, np.ndarray]
    sides: tuple[Moments, Moments]
    found: FrechetDistance


def stored(quantity: str) -> list[str]:
    """Arrays of one quantity, `<case>_<quantity>`; the cases are those of the folder."""
    return array_names(FILE, f".*_{quantity}")


@pytest.fixture(scope="module")
def arrays(golden: GoldenFolder) -> GoldenArrays:
    return golden.arrays(FILE)


@pytest.fixture(scope="module")
def case(golden: GoldenFolder):
    """The case that an array's name begins with, computed once."""

    @cache
    def computed(name: str) -> Case:
        samples = golden.recipe.fsd_case(name)
        sides = tuple(moments.of_rows(rows) for rows in samples)
        return Case(samples, sides, frechet(*sides))

    return lambda array: computed(next(name for name in golden.recipe.FSD_CASES if array.startswith(f"{name}_")))


@pytest.mark.golden
def test_every_case_of_the_recipe_is_checked(golden: GoldenFolder) -> None:
    expected = {f"{name}_{quantity}" for name in golden.recipe.FSD_CASES for quantity in QUANTITIES}
    assert expected <= set(array_names(FILE))


@pytest.mark.golden
@pytest.mark.parametrize("name", stored("input_stats"))
def test_the_samples_are_those_of_the_published_run(arrays: GoldenArrays, case, name: str) -> None:
    a, b = case(name).samples
    found = np.array([a.mean(), a.std(), b.mean(), b.std(), a[0, :4].sum(), b[-1, -8:].sum()])
    assert np.allclose(found, arrays[name], rtol=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize("name", stored("result"))
def test_the_published_distance_and_its_parts_are_met(arrays: GoldenArrays, case, name: str) -> None:
    found = case(name).found
    assert np.allclose([found.fsd, found.mean_term, found.covariance_term], arrays[name], **TOLERANCE)
    if name.startswith("identical"):
        assert abs(found.fsd) < 1e-9, "equal samples are at distance 0, whatever the published root says"


@pytest.mark.golden
@pytest.mark.parametrize("name", stored("eigh_covdiff"))
def test_the_covariance_term_by_two_eigendecompositions_is_met(arrays: GoldenArrays, case, name: str) -> None:
    assert np.allclose(case(name).found.covariance_term, arrays[name], **TOLERANCE)


@pytest.mark.golden
@pytest.mark.parametrize("name", stored("used_eps_offset"))
def test_singular_covariances_need_no_offset(arrays: GoldenArrays, case, name: str) -> None:
    """Where the published code added 1e-6 to the diagonals, its number would be of other matrices."""
    assert not arrays[name], "the published code added an offset here; its result is no measure of ours"
    a, b = case(name).sides
    offset = 1e-6 * np.eye(len(a.mean))
    moved = frechet(Moments(a.count, a.mean, a.cov + offset), Moments(b.count, b.mean, b.cov + offset))
    # Both roots move by at most 1e-3 in each of the classes: the distance is continuous, also where it is singular.
    assert moved.fsd == pytest.approx(case(name).found.fsd, abs=1e-3 * len(a.mean))


@pytest.mark.golden
def test_a_published_tally_comes_in_as_a_table(golden: GoldenFolder, tmp_path: Path) -> None:
    """Fractions of the image, a column for each object of labels.json."""
    tally = golden.arrays("b_tally")["tally"]
    np.save(tmp_path / "tally.npy", tally)
    tabulate.main([
        "--source", str(tmp_path / "tally.npy"), "--labels", str(golden.path / "labels.json"), "--first", "0",
        "--last", str(len(tally) - 1), "--settings", json.dumps({"size": 256, "unit": "fraction"}), "--code", "c",
        "--table", str(tmp_path / "table.h5"),
    ])  # fmt: skip
    found = areas.read(tmp_path / "table.h5")
    assert np.allclose(found.percent, 100 * tally, atol=1e-9) and found.classes[0] == "-"
