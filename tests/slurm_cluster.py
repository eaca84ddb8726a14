"""A SLURM cluster of the test's own, and Snakemake on it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import toy

SCRIPT = Path(__file__).parent / "slurm" / "cluster"
# What a test has no time for: the first look at a job after a few seconds instead of 40.
IMPATIENT = ("--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "10")


class Cluster:
    """The cluster in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ["bash", "-c", f"source {folder / 'env'} && env -0"]
        listing = subprocess.run(words, env=toy.environment(), capture_output=True, text=True, check=True).stdout
        self.environment = dict(line.split("=", 1) for line in listing.split("\0") if line)

    def client(self, *words: str) -> str:
        """Output of a SLURM command."""
        done = subprocess.run(
            ["timeout", "20", *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snakemake_command(self, *words: str) -> list[str]:
        return toy.command("--workflow-profile", "profiles/slurm", *IMPATIENT, *words)

    def snakemake(self, copy: Path, *words: str, timeout: float = 600) -> str:
        """Run Snakemake in the copy with the profile for SLURM, and return all that it printed."""
        done = subprocess.run(
            self.snakemake_command(*words), cwd=copy, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Every job that the controller still knows (the last five minutes), by `squeue`."""
        fields = {"id": "%i", "state": "%T", "comment": "%k", "gpus": "%b", "node": "%N", "limit": "%l"}
        lines = self.client("squeue", "--noheader", "--states=all", f"--format={'|'.join(fields.values())}")
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines.splitlines()]

    def completed(self) -> list[dict[str, str]]:
        """The completion log: a line a job that has ended."""
        lines = (self.folder / "completed_jobs.txt").read_text().splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def pid(self, daemon: str) -> int:
        return int((self.folder / f"{daemon}.started").read_text())


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    run_script("start", folder)
    try:
        yield Cluster(folder)
    finally:
        run_script("stop", folder)


def run_script(command: str, folder: Path) -> str:
    """Run the cluster's script as its users do."""
    done = subprocess.run(
        [sys.executable, SCRIPT, command, folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 120) -> None:
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.1)


def is_installed() -> bool:
    return shutil.which("slurmctld", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None
