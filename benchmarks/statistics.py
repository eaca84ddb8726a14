"""Speed of the statistics, one line per figure: name, value, unit. Run as `python -m benchmarks.statistics`.

Tables are synthetic: 336 classes, of which 150 appear, each image showing a tenth of these.
"""

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lacuna.areas import moments, resampling, sketch, verdicts
from lacuna.areas.frechet import contributions, frechet
from lacuna.areas.kernel import kernel_distance
from lacuna.areas.manifold import precision_recall

CLASSES, LIVE, IMAGE_PX = 336, 150, 65536
CHUNK, MANY, FEW = 8192, 1_000_000, 10_000


def main() -> None:
    rng = np.random.default_rng(0)
    stream_moments(rng)
    sketch_of_a_million(rng)
    real, generated = table(FEW, LIVE, rng), table(FEW, LIVE, rng)
    distance_of_full_rank(rng)
    resample(real, generated, rng)
    single_images(real, generated, rng)
    dealt = verdicts.deals(FEW, FEW, 9999, rng)
    seconds, _ = timed(lambda: verdicts.compare_classes(real, generated, IMAGE_PX, 0.2, 0.95, dealt))
    show("verdicts_10000x336_9999_permutations", seconds, "s")


def stream_moments(rng: np.random.Generator) -> None:
    """A million rows, made of one chunk again and again, so that making them is not timed."""
    for live in (LIVE, CLASSES):
        chunk = table(CHUNK, live, rng)
        seconds, found = timed(lambda chunk=chunk: moments.streamed(repeated(chunk), 100 / IMAGE_PX))
        assert found.count == MANY
        show(f"moments_1000000x336_{live}_live", seconds, "s")
        show(f"moments_{live}_live", MANY * CLASSES * 4 / seconds / 1e9, "GB/s")
    show("moments_peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def sketch_of_a_million(rng: np.random.Generator) -> None:
    """What fsd keeps of a table of a million rows; its memory is that of the process so far."""
    chunk = table(CHUNK, LIVE, rng)[:, :LIVE]
    size = sketch.group_size(MANY)
    seconds, found = timed(lambda: sketch.sketch(repeated(chunk), MANY, 10.0, 100 / IMAGE_PX, size, rng))
    assert found.blocks is not None and found.blocks.count_K.sum() == MANY
    show(f"fsd_reads_1000000x{LIVE}_live", seconds, "s")
    show("fsd_reading_peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def single_images(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> None:
    """Kernel distance, precision and recall."""
    sides = [side[:, :LIVE].astype(np.float64) for side in (real, generated)]
    seconds, _ = timed(lambda: kernel_distance(sides[0] / IMAGE_PX, sides[1] / IMAGE_PX, 0.95, rng))
    show(f"kernel_distance_2x10000x{LIVE}", seconds, "s")
    seconds, _ = timed(lambda: precision_recall(sides[0][: FEW // 2], sides[1][: FEW // 2]))
    show(f"precision_recall_2x5000x{LIVE}", seconds, "s")


def distance_of_full_rank(rng: np.random.Generator) -> None:
    one, other = (moments.of_rows(table(2000, CLASSES, rng), 100 / IMAGE_PX) for _ in range(2))
    show("fsd_336_classes", min(timed(lambda: frechet(one, other))[0] for _ in range(5)), "s")
    show("contributions_336_classes", min(timed(lambda: contributions(one, other))[0] for _ in range(5)), "s")


def resample(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> None:
    live = real.any(axis=0) | generated.any(axis=0)
    seconds, blocks = timed(lambda: [resampling.deal(side[:, live], 100 / IMAGE_PX, rng) for side in (real, generated)])
    show("deal_blocks_2x10000x336", seconds, "s")
    seconds, _ = timed(lambda: resampling.part_distances(*blocks, 2, 100, rng))
    show("resamples_200_of_10000x336", seconds, "s")


def repeated(chunk: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, MANY, CHUNK):
        yield chunk[: min(CHUNK, MANY - first)]


def table(count: int, live: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 336) pixel counts."""
    areas = np.zeros((count, CLASSES), dtype=np.uint32)
    areas[:, :live] = (rng.random((count, live)) < 0.1) * rng.integers(1, 6000, (count, live))
    return areas


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def show(name: str, value: float, unit: str) -> None:
    print(f"{name} {value:.4g} {unit}", flush=True)


if __name__ == "__main__":
    main()
