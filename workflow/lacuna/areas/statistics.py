"""What every metric reads of one source's table: moments, and a sketch of fixed size, however many images there are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .intervals import ClassSummary
from .moments import Moments, restrict
from .sketch import Sketch


@dataclass(frozen=True)
class AreaStatistics:
    """One source; moments and sketch are of the same classes in the same order.

    image_px: pixels of an image as it was segmented; the sketch is in pixels, the moments in percent of the image.
    """

    classes: list[str]
    categories: list[str]
    image_px: int
    moments: Moments
    sketch: Sketch

    @property
    def summary(self) -> ClassSummary:
        """Mean, variance and presence of each class."""
        if self.sketch.clusters:
            return self.sketch.clusters.summary(100 / self.image_px)
        # One image says nothing of spread: no interval, no claim.
        variance_C = self.moments.cov.diagonal() if self.moments.count > 1 else np.full(len(self.moments.mean), np.nan)
        return ClassSummary(self.moments.count, self.moments.mean, variance_C, self.sketch.present_C)

    def columns(self, chosen: NDArray[np.int64]) -> AreaStatistics:
        """The same for some of the classes."""
        return replace(
            self,
            classes=[self.classes[place] for place in chosen],
            categories=[self.categories[place] for place in chosen],
            moments=restrict(self.moments, chosen),
            sketch=self.sketch.columns(chosen),
        )

    def of_category(self, category: str) -> AreaStatistics:
        """The same with the classes of one category."""
        return self.columns(np.flatnonzero(np.array(self.categories) == category))
