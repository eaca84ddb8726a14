"""Speed of the judges of generators of classes, one line per figure: name, value, unit.

Run as `python -m benchmarks.conditional`.

On two threads: similarity of 100 pairs in each of ten classes of 64 pixels, and the nearest of 50,000 images of 64
pixels for 100 samples, which are scenes and rolled scenes of the world.
"""

import resource
import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from lacuna.conditional.neighbours import nearest
from lacuna.conditional.similarity import ms_ssim, random_pairs
from lacuna.world import World

SCENES, TRAINING, CHUNK = 500, 50_000, 1000


def main() -> None:
    torch.set_num_threads(2)
    world = World(size=64, seed=1)
    scenes = np.stack([world.scene(i).image for i in range(SCENES)])
    random = np.random.default_rng(0)
    begun = time.perf_counter()
    for first in range(0, SCENES, SCENES // 10):
        pairs = random_pairs(np.arange(first, first + SCENES // 10), 100, random)
        ms_ssim(scenes[pairs[:, 0]], scenes[pairs[:, 1]], torch.device("cpu"))
    show("diversity_10x100_pairs_64px", time.perf_counter() - begun, "s")
    samples = np.stack([world.scene(SCENES + i).image for i in range(100)])
    begun = time.perf_counter()
    nearest(samples, chunks(scenes), 3, torch.device("cpu"))
    show("overfit_100_among_50000_64px", time.perf_counter() - begun, "s")
    show("overfit_peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def chunks(scenes: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """Many images of few: each chunk is rolled by another number of pixels."""
    for number, first in enumerate(range(0, TRAINING, CHUNK)):
        chosen = np.arange(first, first + CHUNK) % SCENES
        yield np.arange(first, first + CHUNK), np.roll(scenes[chosen], number + 1, axis=2)


def show(name: str, value: float, unit: str) -> None:
    print(f"{name} {value:.4g} {unit}", flush=True)


if __name__ == "__main__":
    main()
