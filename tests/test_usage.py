"""What a job says of its GPU: the most memory it held; a job without a GPU says nothing."""

import logging
from pathlib import Path

import pytest
import torch

from lacuna.runtime import usage


def test_the_most_memory_is_logged_and_read_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 3 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    with caplog.at_level(logging.INFO):
        usage.log_gpu_memory()
    (tmp_path / "job.log").write_text(f"12:00:00 segment: {caplog.records[0].getMessage()}\n")
    assert usage.gpu_memory_mb(tmp_path / "job.log") == 3072


def test_a_job_without_a_gpu_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        usage.log_gpu_memory()
    assert not caplog.records
    (tmp_path / "job.log").write_text("segment: 100 images\n")
    assert usage.gpu_memory_mb(tmp_path / "job.log") == 0
    assert usage.gpu_memory_mb(tmp_path / "none.log") == 0
