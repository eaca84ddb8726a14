"""What a metric is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacuna.areas.columns import Column
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd

Measure = Callable[[AreaStatistics, AreaStatistics, Fsd, np.random.Generator], Mapping[str, Any]]


@dataclass(frozen=True)
class Metric:
    """A function of the real and the generated side, and the columns that it fills.

    measure: (real, generated, settings, rng) -> a value for each name of the columns, None where there is none to tell.
    """

    measure: Measure
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of everything that it tells."""
        return [name for column in self.columns for name in column.names]
