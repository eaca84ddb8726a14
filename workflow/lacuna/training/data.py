"""Real images for a training: in random order, read from shards while the step before is computed.

Shape suffixes: N images, H height, W width.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lacuna.formats.images import ImageShards
from lacuna.kit import compute
from lacuna.models.pixels import from_bytes


class RealImages:
    """Endless batches; which images are in one depends on the seed and on how many were shown before, alone."""

    def __init__(self, paths: Sequence[Path], count: int, batch_size: int, seed: int) -> None:
        self._shards = ImageShards(paths)
        if min(count, len(self._shards)) < max(batch_size, 1):
            self._shards.__exit__(None, None, None)
            raise ValueError(
                f"{paths[0]}: {min(count, len(self._shards))} images in this and the other shards, expected at least a "
                f"batch of {batch_size}; ask for more images or lower batch_size"
            )
        self.count, self.batch_size, self.seed, self.size = count, batch_size, seed, self._shards.size
        self._reader = ThreadPoolExecutor(max_workers=1)
        self._ahead: tuple[int, Future[NDArray[np.uint8]]] | None = None
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.shutdown()
        self._shards.__exit__(kind, error, trace)

    def batch(self, shown: int) -> NDArray[np.uint8]:
        """The batch (N, H, W, 3) that follows after `shown` images."""
        if self._ahead is None or self._ahead[0] != shown:
            self._ahead = (shown, self._reader.submit(self._read, shown))
        images_NHW3 = self._ahead[1].result()
        following = shown + self.batch_size
        self._ahead = (following, self._reader.submit(self._read, following))
        return images_NHW3

    def _read(self, shown: int) -> NDArray[np.uint8]:
        rows = [self._row(place) for place in range(shown, shown + self.batch_size)]
        return self._shards.read("images", np.array(rows))

    def _row(self, place: int) -> int:
        epoch, position = divmod(place, self.count)
        if self._order[0] != epoch:
            random = np.random.default_rng(compute.seed_for(self.seed, "order of real images", epoch))
            self._order = (epoch, random.permutation(self.count))
        return int(self._order[1][position])


def to_training(images_NHW3: NDArray[np.uint8], size: int, device: torch.device) -> Tensor:
    """Bytes -> (N, 3, size, size) in [-1, 1], each pixel the mean of the box that it covers."""
    x_N3HW = from_bytes(images_NHW3, device)
    return F.avg_pool2d(x_N3HW, x_N3HW.shape[-1] // size)
