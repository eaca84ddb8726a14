"""Random numbers: one scheme, streams by name."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from lacuna.runtime import compute, seeds

PACKAGE = Path(seeds.__file__).parents[1]


def test_a_stream_follows_from_the_seed_and_its_names_alone() -> None:
    first = seeds.rng(1, "fsd", "category", "object").random(5)
    seeds.rng(1, "fsd", "category", "part").random(100)
    assert seeds.rng(1, "fsd", "category", "object").random(5).tolist() == first.tolist()
    assert np.random.default_rng(seeds.seed_for(1, "fsd", "category", "object")).random(5).tolist() == first.tolist()


def test_other_names_other_order_other_seed_are_other_streams() -> None:
    names = [
        (1, "a", "b"),
        (1, "b", "a"),
        (2, "a", "b"),
        (1, "a", "b", 0),
        (1, "a", "b", 1),
        (12, "a", "b"),
        (1, "2", "a"),
    ]
    assert len({seeds.seed_for(*name) for name in names}) == len(names)
    drawn = [seeds.rng(*name).standard_normal(4000) for name in names]
    # The correlation of two independent streams of 4,000 numbers is normal with deviation 1 / sqrt(4000).
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 5 / 4000**0.5 for a, b in itertools.combinations(drawn, 2))


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63, 10**30])
def test_any_root_seed_gives_seeds_that_torch_takes(seed: int) -> None:
    assert 0 <= seeds.seed_for(seed, "stage", 3) < 2**63
    compute.generator(seed, "stage", 3)


def test_nothing_else_seeds_numpy_by_a_scheme_of_its_own() -> None:
    """But the world, whose scenes trained the demo's networks, and a function that is handed its seeds."""
    users = {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "default_rng" in path.read_text()
    }
    assert users == {"runtime/seeds.py", "world/__init__.py", "areas/omissions.py"}
