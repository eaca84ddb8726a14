"""The metrics of a comparison in their order: a module each, whose `METRIC` has a function and the columns it fills.

What `fsd` writes, the page's table of statistics with its files for papers, and docs/numbers.md all follow from this
list.
"""

from lacuna.areas.columns import Column
from lacuna.metrics import distance, kernel_distance, precision_recall, sample_sizes
from lacuna.metrics.metric import Metric

METRICS: tuple[Metric, ...] = (distance.METRIC, sample_sizes.METRIC, kernel_distance.METRIC, precision_recall.METRIC)


def columns() -> list[Column]:
    """Every column of every metric."""
    return [column for metric in METRICS for column in metric.columns]
