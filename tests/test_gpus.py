"""Which GPU a job computes on: the one that it was given; of several, one that no other job has."""

import errno
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from lacuna.errors import UserError
from lacuna.runtime import compute, gpus

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"


@pytest.mark.parametrize(
    ("environment", "count", "expected"),
    [
        ({}, 2, {0: "0", 1: "1"}),
        ({"CUDA_VISIBLE_DEVICES": "3"}, 1, {0: "3"}),
        ({"CUDA_VISIBLE_DEVICES": "2,5"}, 2, {0: "2", 1: "5"}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-8a"}, 1, {0: "GPU-8a"}),
        # A site that restricts nothing: SLURM's own list says what the job was given.
        ({"SLURM_JOB_GPUS": "1"}, 4, {1: "1"}),
        ({"SLURM_JOB_GPUS": "1,3", "SLURM_STEP_GPUS": "3"}, 4, {3: "3"}),
        # One that shows the job nothing but its own: there is no number 7 any more.
        ({"SLURM_JOB_GPUS": "7"}, 1, {0: "0"}),
    ],
)
def test_a_job_uses_what_it_was_given(environment: dict[str, str], count: int, expected: dict[int, str]) -> None:
    assert gpus.given(environment, count) == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"CUDA_VISIBLE_DEVICES": ""}, ""),
        ({"CUDA_VISIBLE_DEVICES": "-1", "SLURM_JOB_GPUS": "0"}, ""),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ""),
        ({"CUDA_VISIBLE_DEVICES": "0"}, "CUDA_VISIBLE_DEVICES=0"),
        ({"SLURM_JOB_GPUS": "0"}, "SLURM_JOB_GPUS=0"),
        ({"SLURM_STEP_GPUS": "2,3"}, "SLURM_STEP_GPUS=2,3"),
    ],
)
def test_what_says_that_a_job_has_a_gpu(environment: dict[str, str], expected: str) -> None:
    assert gpus.promised(environment) == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_torch_cannot_use_is_not_replaced_by_the_cpu_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    compute.device.cache_clear()
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    with pytest.raises(UserError, match=r"SLURM_JOB_GPUS=0 says that this job has a GPU, torch finds none \(torch 2"):
        compute.device("auto")
    monkeypatch.setenv("LACUNA_DEVICE", "cpu")  # the configuration's `device: cpu`
    assert compute.device("auto").type == "cpu"
    compute.device.cache_clear()


def test_one_gpu_is_taken_without_a_lock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert [gpus.claim({0: "0"}, tmp_path) for _ in range(2)] == [0, 0]
    assert not list(tmp_path.iterdir()) and not caplog.text


def test_a_lock_serves_every_user_whatever_the_umask_of_the_first(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert gpus.claim({4: "4", 5: "5"}, tmp_path) == 4
    finally:
        os.umask(before)
    assert (tmp_path / "lacuna-gpu-4.lock").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOLCK, errno.EROFS])
def test_what_cannot_be_locked_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*words: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(gpus.os, "open", refuse)
    assert gpus.claim({0: "6", 1: "7"}, tmp_path) == 0


def claim_elsewhere(folder: Path, names: dict[int, str]) -> subprocess.Popen[str]:
    """Another process that claims a GPU, says which and keeps it until its input ends."""
    script = f"""
        import sys
        from lacuna.runtime import gpus
        print(gpus.claim({names!r}, {str(folder)!r}), flush=True)
        sys.stdin.read()
    """
    words = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(words, cwd=WORKFLOW, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_jobs_on_one_machine_spread_over_its_gpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = {0: "0", 1: "1"}
    jobs = [claim_elsewhere(tmp_path, names) for _ in range(2)]
    taken = sorted(job.stdout.readline().strip() for job in jobs if job.stdout)
    assert taken == ["0", "1"]
    with caplog.at_level(logging.WARNING):
        assert gpus.claim(names, tmp_path) in names
    assert "all 2 GPUs in use" in caplog.text
    jobs[0].kill()
    jobs[0].wait()
    third = claim_elsewhere(tmp_path, names)
    assert third.stdout and third.stdout.readline().strip() in taken
    for job in (jobs[1], third):
        job.communicate()


def test_the_same_gpu_seen_under_another_number_is_still_taken(tmp_path: Path) -> None:
    first = claim_elsewhere(tmp_path, {0: "1", 1: "9"})  # CUDA_VISIBLE_DEVICES=1,9
    assert first.stdout and first.stdout.readline().strip() == "0"
    second = claim_elsewhere(tmp_path, {0: "0", 1: "1"})
    third = claim_elsewhere(tmp_path, {1: "1", 2: "2"})
    assert second.stdout and second.stdout.readline().strip() == "0"
    assert third.stdout and third.stdout.readline().strip() == "2"
    for job in (first, second, third):
        job.communicate()
