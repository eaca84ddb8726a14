"""Which GPU a job computes on: the one that it was given; of several, one that no other job has."""

import logging
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lacuna.kit import gpus

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


def claim_elsewhere(folder: Path, names: dict[int, str]) -> subprocess.Popen[str]:
    """Another process that claims a GPU, says which and keeps it until its input ends."""
    script = f"""
        import sys
        from lacuna.kit import gpus
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
    first = claim_elsewhere(tmp_path, {0: "1"})  # CUDA_VISIBLE_DEVICES=1
    assert first.stdout and first.stdout.readline().strip() == "0"
    second = claim_elsewhere(tmp_path, {0: "0", 1: "1"})
    third = claim_elsewhere(tmp_path, {1: "1", 2: "2"})
    assert second.stdout and second.stdout.readline().strip() == "0"
    assert third.stdout and third.stdout.readline().strip() == "2"
    for job in (first, second, third):
        job.communicate()
