"""Labelled images of a training: which ones a step sees, and how they are varied.

A step's batch depends on (seed, step) alone, so a resumed training sees what an uninterrupted one does.

Shape suffixes: N images, H height, W width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lacuna.runtime import compute

RUN_ROWS = 8  # neighbours that are read together


@dataclass(frozen=True)
class LabelledBatch:
    """Images in [-1, 1] and their labels by name, each one a map (N, H, W) or one per image (N,)."""

    x_N3HW: Tensor
    labels: dict[str, Tensor]


def rows_of_step(seed: int, step: int, batch_size: int, count: int) -> NDArray[np.int64]:
    """Rows of a step; each epoch goes through the images in a new random order.

    The order is one of short runs of neighbours, which share compressed chunks of the file: scenes are independent, so
    neighbours are as good as any, and reading takes a quarter of the time. What fills no batch waits for another epoch.
    """
    run = min(RUN_ROWS, batch_size)
    steps_an_epoch = count // run * run // batch_size
    epoch, place = divmod(step, steps_an_epoch)
    generator = compute.generator(seed, "order", epoch)
    first = int(torch.randint(count % run + 1, (), generator=generator))
    starts = torch.randperm(count // run, generator=generator) * run + first
    rows = (starts[:, None] + torch.arange(run)).flatten()
    return rows[place * batch_size : (place + 1) * batch_size].numpy()


def varied(batch: LabelledBatch, generator: torch.Generator) -> LabelledBatch:
    """Mirror, relight, blur and disturb images a little, as a generator's samples differ from the world's scenes.

    Each image, on the scale of [-1, 1]: mirrored with probability 1/2, labels too; contrast and brightness changed by
    up to 15 %, each colour's by up to 5 % more; in half of the cases mixed with its 3x3 blur by up to 0.6; normal noise
    of standard deviation up to 0.06.
    """
    x, count = batch.x_N3HW, len(batch.x_N3HW)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    mirrored = uniform() < 0.5
    x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x)
    labels = {
        name: map_NHW if map_NHW.ndim == 1 else torch.where(mirrored.view(-1, 1, 1), map_NHW.flip(2), map_NHW)
        for name, map_NHW in batch.labels.items()
    }
    gain = 1 + 0.15 * (uniform(1, 1, 1) * 2 - 1) + 0.05 * (uniform(3, 1, 1) * 2 - 1)
    x = x * gain + 0.15 * (uniform(1, 1, 1) * 2 - 1) + 0.05 * (uniform(3, 1, 1) * 2 - 1)
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    x = torch.lerp(x, blurred, (uniform(1, 1, 1) * 1.2 - 0.6).clamp(min=0))
    noise = torch.randn(x.shape, generator=generator)
    return LabelledBatch((x + 0.06 * uniform(1, 1, 1) * noise).clamp(-1, 1), labels)
