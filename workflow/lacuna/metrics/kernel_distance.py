"""The kernel distance of single images' areas: without bias, so it may be compared at unequal numbers of images."""

from typing import Any

import numpy as np

from lacuna.areas.columns import Column
from lacuna.areas.kernel import kernel_distance
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.metrics.metric import Metric


def measure(real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator) -> dict[str, Any]:
    """Squared maximum mean discrepancy of areas as fractions of the image; None where there are too few images."""
    one_NC, other_MC = real.sketch.sample_SC, generated.sketch.sample_SC
    found = kernel_distance(one_NC / real.image_px, other_MC / generated.image_px, settings.confidence, rng)
    if found is None:
        return dict.fromkeys(METRIC.names)
    return {
        "kernel_distance": found.value,
        "kernel_low": found.low,
        "kernel_high": found.high,
        "kernel_num": min(len(one_NC), len(other_MC)),
    }


METRIC = Metric(
    measure,
    (
        Column(
            "kernel_distance", "squared maximum mean discrepancy under (x . y + 1)^3, and its interval",
            "kernel distance", better="lower", ends=("kernel_low", "kernel_high"),
        ),
        Column("kernel_num", "images per side behind it", kind="count"),
    ),
)  # fmt: skip
