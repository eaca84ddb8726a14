"""Precision and recall of single images' areas: does the generator invent images, or drop some?"""

from dataclasses import asdict
from typing import Any

import numpy as np

from lacuna.areas.columns import Column
from lacuna.areas.manifold import NEIGHBOURS, at_work, precision_recall
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.metrics.metric import Metric


def measure(real: AreaStatistics, generated: AreaStatistics, settings: Fsd, rng: np.random.Generator) -> dict[str, Any]:
    """Both, beside those of real images; None where there are too few images.

    They depend on the number of images, so half of the real images, the other half and as many generated ones are
    used: the halves against each other are what a perfect generator would have.
    """
    real_NC, generated_MC = real.sketch.sample_SC, generated.sketch.sample_SC
    num_images = min(len(real_NC) // 2, len(generated_MC))
    if num_images <= NEIGHBOURS:
        return dict.fromkeys(METRIC.names)
    order = rng.permutation(len(real_NC))
    one, two = real_NC[order[:num_images]], real_NC[order[num_images : 2 * num_images]]
    found = precision_recall(one, generated_MC[rng.permutation(len(generated_MC))[:num_images]])
    baseline = precision_recall(one, two)
    return {
        **asdict(found),
        **{f"baseline_{name}": value for name, value in asdict(baseline).items()},
        "manifold_num": num_images,
        "at_work": at_work(found, baseline, num_images),
    }


METRIC = Metric(
    measure,
    (
        Column(
            "precision", "share of generated images among the real ones, and of real ones", "precision (real)", "share",
            "higher", real="baseline_precision",
        ),
        Column(
            "recall", "share of real images among the generated ones, and among real ones", "recall (real)", "share",
            "higher", real="baseline_recall",
        ),
        Column("manifold_num", "images in each set", kind="count"),
        Column("at_work", "beyond chance: `dropping`, `inventing`, `both` or `neither`", kind="text"),
    ),
)  # fmt: skip
