"""Work in batches that shrink when the GPU's memory does not suffice."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from lacuna.errors import UserError

T = TypeVar("T")
log = logging.getLogger(__name__)


# What is said of full memory, beside torch.OutOfMemoryError: by the driver, cuBLAS, cuDNN, the CPU's allocator. cuDNN
# says NOT_SUPPORTED or finds no engine when none of its kernels has room for its workspace.
FULL = (
    "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_NOT_SUPPORTED",
    "unable to find an engine", "DefaultCPUAllocator: can't allocate memory",
)  # fmt: skip


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch means that memory did not suffice, so that a smaller batch may do."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(word.lower() in text for word in FULL)


class BatchSize:
    """Images per batch: as asked for, halved each time that memory did not suffice."""

    def __init__(self, asked: int) -> None:
        self.asked = asked
        self.used = asked

    def halve(self, failed: int) -> None:
        """Go on with half of the `failed` images that were too many.

        Raises:
            UserError: it was one image.
        """
        if failed == 1:
            raise UserError("GPU memory does not suffice for one image, expected room for one; use a larger GPU")
        self.used = failed // 2
        log.warning("GPU memory does not suffice for a batch of %d images; going on with %d", failed, self.used)
        torch.cuda.empty_cache()

    def note(self) -> dict[str, int]:
        """What a file says of it: nothing, or the size that it came to."""
        return {"batch_size_used": self.used} if self.used < self.asked else {}


def fitting(work: Callable[[int], T], size: BatchSize) -> T:
    """Result of `work`, which is told how many images a batch may hold; begun anew with half of them if need be."""
    while True:
        try:
            return work(size.used)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Halved here, where the exception no longer keeps the tensors of `work` alive.
        size.halve(size.used)


def in_batches(work: Callable[[slice], T], count: int, size: BatchSize, first: int = 0) -> Iterator[T]:
    """Results of `work` on consecutive rows `first` to `count`, each batch as large as memory allows."""
    while first < count:
        rows = slice(first, min(first + size.used, count))
        try:
            result = work(rows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            result = None  # halved below, where the exception no longer keeps the tensors of `work` alive
        if result is None:
            size.halve(rows.stop - rows.start)
        else:
            yield result
            first = rows.stop
