"""How many regions of a class an image shows: a crowd that is cut from five to two keeps its presence.

Shape suffixes: N real images, M generated images, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacuna.areas.clusters import Clusters, clustered
from lacuna.areas.sketch import group_size
from lacuna.areas.verdicts import ClassTests, Thresholds, compare_clusters, verdicts

COLUMNS = (
    "class", "category", "real_regions", "generated_regions", "relative_delta", "delta_low", "delta_high", "p_value",
    "q_value", "verdict",
)  # fmt: skip


def compare_numbers(
    real_NC: NDArray, generated_MC: NDArray, groups: tuple[NDArray | None, NDArray | None], confidence: float,
    permutations: int, rng: np.random.Generator,
) -> ClassTests:  # fmt: skip
    """Mean number of regions of each class in an image, tested as areas are.

    Args:
        groups: code of the group of each image of a side; None where images are independent.
    """
    size = group_size(len(real_NC), len(generated_MC))
    sides = [_clusters(*side, size, rng) for side in zip((real_NC, generated_MC), groups, strict=True)]
    return compare_clusters(sides[0], sides[1], 1.0, confidence, permutations, rng)


def _clusters(numbers_NC: NDArray, group_N: NDArray | None, size: int, rng: np.random.Generator) -> Clusters:
    """Independent images are put into random groups of `size`, so that the test's time stays bounded."""
    if group_N is None and size > 1:
        group_N = rng.permutation(len(numbers_NC)) // size
    return clustered(numbers_NC, 0, group_N)


def rows(classes: Sequence[str], category: str, tests: ClassTests, limits: Thresholds) -> list[tuple[Any, ...]]:
    """One row per class in the order of COLUMNS."""
    numbers = np.column_stack([
        tests.real.area, tests.generated.area, tests.delta, tests.delta_low, tests.delta_high, tests.p, tests.q,
    ])  # fmt: skip
    words = verdicts(tests, limits)
    return [(name, category, *map(float, row), word) for name, row, word in zip(classes, numbers, words, strict=True)]
