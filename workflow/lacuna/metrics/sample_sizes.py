"""What the distance would be at other numbers of images: extrapolated, of real halves, and as a curve."""

from dataclasses import asdict
from typing import Any

import numpy as np

from lacuna.areas import resampling
from lacuna.areas.columns import Column
from lacuna.areas.frechet import frechet
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.metrics.metric import Metric

CURVE_SUBSETS = 48  # distances averaged in a point of the curve over sample sizes
NAMES = (
    "fsd_infinity", "fsd_infinity_low", "fsd_infinity_high", "baseline_fsd", "baseline_low", "baseline_high",
    "baseline_num", "fsd_at_baseline_num",
)  # fmt: skip


def measure(real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator) -> dict[str, Any]:
    """Baseline, extrapolation and the curve over sample sizes; nothing where a side has too few images."""
    one, other = real.sketch.blocks, generated.sketch.blocks
    if one is None or other is None:
        return dict.fromkeys(NAMES) | {"sample_sizes": []}
    splits = max(settings.resamples // 2, 1)
    infinite = resampling.extrapolate(
        frechet(real.moments, generated.moments).fsd,
        resampling.part_distances(one, other, 2, splits, rng),
        resampling.part_distances(one, other, 3, -(-splits // 3), rng),
        settings.confidence,
    )
    base = resampling.baseline(one, other, splits, rng, settings.confidence)
    numbers = (infinite.fsd, infinite.low, infinite.high, base.baseline, base.low, base.high, base.num_images, base.fsd)
    curve = resampling.sample_size_curve(one, other, CURVE_SUBSETS, rng)
    return dict(zip(NAMES, numbers, strict=True)) | {"sample_sizes": [asdict(point) for point in curve]}


METRIC = Metric(
    measure,
    (
        Column(
            "fsd_infinity", "the distance that endless images would give, and its interval", "FSD\N{INFINITY}",
            better="lower", ends=("fsd_infinity_low", "fsd_infinity_high"),
        ),
        Column(
            "fsd_at_baseline_num", "real against generated, of `baseline_num` images each", "FSD at half the images",
            better="lower",
        ),
        Column(
            "baseline_fsd", "two halves of the real images against each other, and the interval over splits",
            "real against real", ends=("baseline_low", "baseline_high"),
        ),
        Column("baseline_num", "images in each half", kind="count"),
        Column("sample_sizes", "mean distance, and real against real, at several numbers of images", kind="text"),
    ),
)  # fmt: skip
