"""Precision and recall: closed forms on a line, and which of dropping and inventing they show."""

from typing import Any

import numpy as np
import pytest

from lacuna.areas import manifold
from lacuna.areas.manifold import PrecisionRecall, at_work, precision_recall, squared_reach
from lacuna.areas.moments import of_rows
from lacuna.areas.sketch import sketch
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.metrics import kernel_distance
from lacuna.metrics import precision_recall as recall

IMAGE_PX = 4096


def line(*places: float) -> np.ndarray:
    return np.array(places, dtype=float)[:, None]


def test_the_reach_is_the_distance_to_the_kth_neighbour() -> None:
    assert squared_reach(line(0, 1, 3, 7), 1).tolist() == [1, 1, 4, 16]
    assert squared_reach(line(0, 1, 3, 7), 2).tolist() == [9, 4, 9, 36]
    assert squared_reach(line(2, 2, 2), 2).tolist() == [0, 0, 0]


def test_a_case_that_can_be_counted() -> None:
    # Real images reach 1 around 0, 1 and 2, and 8 around 10; generated ones 0.5 around 1.5, 2 and 19.5, 20.
    real, generated = line(0, 1, 2, 10), line(1.5, 2, 19.5, 20)
    found = precision_recall(real, generated, neighbours=1)
    assert found.precision == 0.5  # 1.5 and 2 are covered, 19.5 and 20 are not
    assert found.recall == 0.5  # 1 and 2 are covered, 0 and 10 are not


def test_a_set_covers_itself_and_far_sets_cover_nothing_of_each_other() -> None:
    rows = np.random.default_rng(0).integers(0, 500, (700, 5)).astype(float)
    assert precision_recall(rows, rows) == PrecisionRecall(1, 1)
    assert precision_recall(rows, rows + 9000) == PrecisionRecall(0, 0)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    real, generated = rng.integers(0, 90, (300, 4)).astype(float), rng.integers(20, 110, (200, 4)).astype(float)
    whole = precision_recall(real, generated)
    monkeypatch.setattr(manifold, "CHUNK_ROWS", 7)
    assert precision_recall(real, generated) == whole and 0 < whole.recall < 1


def test_too_few_images_are_one_line() -> None:
    with pytest.raises(ValueError, match="3 real and 9 generated images, expected more than 3 of each"):
        precision_recall(np.zeros((3, 2)), np.zeros((9, 2)))


@pytest.mark.parametrize(
    ("precision", "recall", "expected"),
    [(0.8, 0.8, "neither"), (0.8, 0.5, "dropping"), (0.5, 0.8, "inventing"), (0.5, 0.5, "both"), (1, 0.79, "neither")],
)
def test_what_is_at_work(precision: float, recall: float, expected: str) -> None:
    assert at_work(PrecisionRecall(precision, recall), PrecisionRecall(0.8, 0.8), 400) == expected


def clusters(counts: tuple[int, int, int], seed: int) -> np.ndarray:
    """Images of three kinds, far apart: (N, 3) pixel counts."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(np.eye(3) * 1000, counts, axis=0)
    return np.round(centres + rng.normal(0, 20, centres.shape)).clip(0)


def image_statistics(real_NC: np.ndarray, generated_MC: np.ndarray) -> dict[str, Any]:
    """What the metrics of single images say of two tables."""
    one, other = statistics_of(real_NC), statistics_of(generated_MC)
    metrics = (kernel_distance.METRIC, recall.METRIC)
    rng = np.random.default_rng(0)
    return {name: value for metric in metrics for name, value in metric.measure(one, other, Fsd(), rng).items()}


def statistics_of(rows_NC: np.ndarray) -> AreaStatistics:
    names, count = list("abc"), len(rows_NC)
    kept = sketch([rows_NC], count, 0.0, 100 / IMAGE_PX, 1, np.random.default_rng(0))
    return AreaStatistics(names, ["object"] * 3, IMAGE_PX, of_rows(rows_NC, 100 / IMAGE_PX), kept)


def test_dropping_a_kind_of_image_lowers_recall_and_inventing_one_precision() -> None:
    found = {
        name: image_statistics(clusters(real, 0), clusters(made, 1))
        for name, real, made in (
            ("dropping", (300, 300, 0), (600, 0, 0)),
            ("inventing", (600, 0, 0), (520, 80, 0)),
            ("neither", (300, 300, 0), (300, 300, 0)),
            ("both", (300, 300, 0), (300, 0, 300)),
        )
    }  # fmt: skip
    assert {name: numbers["at_work"] for name, numbers in found.items()} == {name: name for name in found}
    dropped = found["dropping"]
    assert dropped["recall"] < 0.6 * dropped["baseline_recall"] and dropped["manifold_num"] == 300
    assert dropped["kernel_num"] == 600 and dropped["kernel_low"] > 0 and found["neither"]["kernel_low"] <= 0
