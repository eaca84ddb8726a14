"""Batches that shrink when a GPU's memory does not suffice: every image once, in order; log and file say so."""

import json
import logging
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from lacuna.formats import checkpoints
from lacuna.generators import sampling
from lacuna.generators.progan.model import ProgressiveGenerator
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.stages import sample


def test_batches_halve_until_they_fit_and_miss_no_row(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def work(rows: slice) -> list[int]:
        tried.append(rows.stop - rows.start)
        if rows.stop - rows.start > 3:
            raise torch.OutOfMemoryError
        return list(range(rows.start, rows.stop))

    size = BatchSize(16)
    with caplog.at_level(logging.WARNING):
        found = [row for rows in in_batches(work, 21, size, first=10) for row in rows]
    assert found == list(range(10, 21))
    assert tried == [11, 5, 2, 2, 2, 2, 2, 1]
    assert size.note() == {"batch_size_used": 2}
    assert "a batch of 11 images; going on with 5" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",
        "GET was unable to find an engine to execute this computation",
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried 1 TB",
    ],
)
def test_whatever_says_that_memory_is_full_halves_the_batch(words: str) -> None:
    def work(rows: slice) -> int:
        if rows.stop - rows.start > 2:
            raise RuntimeError(words)
        return rows.start

    assert list(in_batches(work, 4, BatchSize(4))) == [0, 2]


def test_other_errors_of_torch_are_raised_at_once() -> None:
    def work(rows: slice) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        list(in_batches(work, 4, BatchSize(4)))


def test_where_memory_suffices_nothing_is_said() -> None:
    size = BatchSize(4)
    assert list(in_batches(lambda rows: rows.start, 9, size)) == [0, 4, 8]
    assert size.note() == {}


def test_no_room_for_a_single_image_is_the_users_mistake() -> None:
    def work(rows: slice) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(ValueError, match="does not suffice for one image"):
        list(in_batches(work, 3, BatchSize(4)))


class Greedy(nn.Module):
    """A generator that has no room for more than two images."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator, self.z_dim, self.classes = generator, generator.z_dim, ()

    def forward(self, z_ND: torch.Tensor) -> torch.Tensor:
        if len(z_ND) > 2:
            raise torch.OutOfMemoryError
        return self.generator(z_ND)


def test_the_file_says_which_batch_size_it_came_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tmp_path / "gan.safetensors"
    checkpoints.save_weights(checkpoint, ProgressiveGenerator([6, 8, 8]).state_dict(), {})
    load = sampling.load_generator

    def run(name: str) -> tuple[dict[str, object], np.ndarray]:
        flags = {
            "family": "progan", "checkpoint": checkpoint, "seed": 1, "first": 0, "last": 6, "batch-size": 5,
            "device": "cpu", "threads": 1, "code": "digest", "shard": tmp_path / name,
        }  # fmt: skip
        sample.main([str(word) for flag, value in flags.items() for word in (f"--{flag}", value)])
        with h5py.File(tmp_path / name) as file:
            return json.loads(file.attrs["config"]), file["images"][:]

    config, images_NHW3 = run("plenty.h5")
    assert "batch_size_used" not in config
    monkeypatch.setattr(sampling, "load_generator", lambda *words: Greedy(load(*words)))
    config, scarce_NHW3 = run("scarce.h5")
    assert config["batch_size"] == 5 and config["batch_size_used"] == 2
    # Float error at the edge of two levels: another batch size, another order of sums.
    assert np.abs(images_NHW3.astype(int) - scarce_NHW3).max() <= 1
