"""The Frechet Segmentation Distance, its parts, and the pairs of classes that weigh most."""

from dataclasses import asdict
from typing import Any

import numpy as np

from lacuna.areas.columns import Column
from lacuna.areas.frechet import contributions, frechet
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.metrics.metric import Metric

HEAVIEST_PAIRS = 20


def measure(real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator) -> dict[str, Any]:
    """The distance of the moments; nothing of it is random."""
    names = real.classes
    return {
        **asdict(frechet(real.moments, generated.moments)),
        "num_real": real.moments.count,
        "num_generated": generated.moments.count,
        "num_classes": len(names),
        "class_pairs": [
            {"classes": [names[i], names[j]], "contribution": value}
            for i, j, value in contributions(real.moments, generated.moments).heaviest_pairs(HEAVIEST_PAIRS)
        ],
    }


METRIC = Metric(
    measure,
    (
        Column("num_classes", "classes that any image shows; the others cost and change nothing", "classes", "count"),
        Column("fsd", "Frechet Segmentation Distance, squared percent of the image", "FSD", better="lower"),
        Column("mean_term", "its part that the mean areas make"),
        Column("covariance_term", "its part that the covariances make"),
        Column("num_real", "real images behind it", kind="count"),
        Column("num_generated", "generated images; compare distances of equal counts only", kind="count"),
        Column("class_pairs", f"the {HEAVIEST_PAIRS} pairs of classes heaviest in the covariance term", kind="text"),
    ),
)
