"""Which GPU a job computes on: the one that it was given; of several, one that no other job has."""

import errno
import logging
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_reason_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.__version__ in compute.without_cuda()
    monkeypatch.setattr(torch.version, "cuda", "13.0")

    def refuse() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12040)")

    monkeypatch.setattr(torch.cuda, "init", refuse)
    assert "for CUDA 13.0: The NVIDIA driver on your system is too old" in compute.without_cuda()


def show_gpus(monkeypatch: pytest.MonkeyPatch, uuids: list[str]) -> None:
    """Let torch find these GPUs on the machine, or in an allocation."""
    for name, value in {
        "is_available": lambda: True, "device_count": lambda: len(uuids), "set_device": lambda device: None,
        "get_device_properties": lambda number: SimpleNamespace(uuid=uuids[number]),
        "is_initialized": lambda: True, "get_device_name": lambda: "NVIDIA H100",
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, value)
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "LACUNA_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    compute.device.cache_clear()


def test_two_allocations_that_both_count_from_0_do_not_take_each_others_gpus_for_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    others = claim_elsewhere(tmp_path, {0: "GPU-a", 1: "GPU-b"})
    assert others.stdout and others.stdout.readline().strip() == "0"
    show_gpus(monkeypatch, ["GPU-c", "GPU-d"])
    with caplog.at_level(logging.INFO):
        assert compute.device("auto") == torch.device("cuda", 0)
    assert "in use" not in caplog.text
    assert f"device cuda:0 NVIDIA H100, torch {torch.__version__} for CUDA" in caplog.text
    show_gpus(monkeypatch, ["GPU-a", "GPU-e"])  # a site that hides nothing: the first is taken
    assert compute.device("auto") == torch.device("cuda", 1)
    compute.device.cache_clear()
    others.communicate()


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


def test_a_lock_that_exists_is_opened_as_the_kernel_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fs.protected_regular: in a folder like /tmp, O_CREAT on another user's file is refused, even to root."""
    plain = os.open

    def protected(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and not flags & os.O_EXCL and Path(path).exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return plain(path, flags, mode)

    first = claim_elsewhere(tmp_path, {0: "8", 1: "9"})
    assert first.stdout and first.stdout.readline().strip() == "0"
    monkeypatch.setattr(gpus.os, "open", protected)
    assert gpus.claim({0: "8", 1: "9"}, tmp_path) == 1  # 8 is seen to be locked, not taken for free
    first.communicate()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_two_users_share_the_locks_of_a_machine() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        first = claim_elsewhere(Path(folder), {0: "0", 1: "1"}, user=1001)
        assert first.stdout and first.stdout.readline().strip() == "0"
        second = claim_elsewhere(Path(folder), {0: "0", 1: "1"}, user=1002)
        assert second.stdout and second.stdout.readline().strip() == "1"
        for job in (first, second):
            job.communicate()


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOLCK, errno.EROFS])
def test_what_cannot_be_locked_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*words: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(gpus.os, "open", refuse)
    assert gpus.claim({0: "6", 1: "7"}, tmp_path) == 0


def claim_elsewhere(folder: Path, names: dict[int, str], user: int = 0) -> subprocess.Popen[str]:
    """Another process, with a strict umask, that claims a GPU, says which and keeps it until its input ends."""
    script = f"""
        import os, sys
        from lacuna.runtime import gpus
        os.umask(0o077)
        if {user}:
            os.setuid({user})
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
