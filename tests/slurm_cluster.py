"""A SLURM cluster of the test's own, and Snakemake on it."""

import copy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import toy

from lacuna.runtime import interruption

# The toy pipeline with fewer jobs, since each takes three Snakemakes, and with trainings that last some seconds.
CONFIG = copy.deepcopy(toy.CONFIG) | {
    "report": "slurm",
    "inversions": [{"generator": "gan", "source": "gan", "count": 2, "methods": ["layered_r"]}],
}
for name in ("scenes", "gan"):
    CONFIG["sources"][name]["count"] = 20
CONFIG["generators"]["gan"]["train"] |= {"images": 2400, "sheet_interval": 1200}
CONFIG["train_encoder"]["layer"] = 1
CONFIG["invert"] = {"residual_layers": [1], "steps": 300, "log_every": 50}

Job = dict[str, str]
SCRIPT = Path(__file__).parent / "slurm" / "cluster"
IMPATIENT_SNAKEMAKE = SCRIPT.with_name("snakemake")


class Cluster:
    """The cluster in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ["bash", "-c", f"source {folder / 'env'} && env -0"]
        listing = subprocess.run(words, env=toy.environment(), capture_output=True, text=True, check=True).stdout
        self.environment = dict(line.split("=", 1) for line in listing.split("\0") if line)
        self.environment[interruption.SAVE_S] = "0"  # a state after each step

    def client(self, *words: str) -> str:
        """Output of a SLURM command."""
        done = subprocess.run(
            ["timeout", "20", *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snakemake_command(self, *words: str, patient: bool = False) -> list[str]:
        """Snakemake as users start it if `patient`; else the one that looks at its jobs every second."""
        snakemake = toy.command() if patient else [sys.executable, str(IMPATIENT_SNAKEMAKE)]
        return [*snakemake, "--workflow-profile", "profiles/slurm", *words]

    def snakemake(self, folder: Path, *words: str, timeout: float = 600) -> str:
        """Run Snakemake in `folder` with the profile for SLURM, and return all that it printed."""
        done = subprocess.run(
            self.snakemake_command(*words), cwd=folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def background(self, folder: Path, *words: str, patient: bool = False) -> Iterator[subprocess.Popen[str]]:
        """Snakemake at work in a session of its own while the block runs; its output goes to `slurm.txt`."""
        with open(folder / "slurm.txt", "w") as output:
            process = subprocess.Popen(
                self.snakemake_command(*words, patient=patient), cwd=folder, env=self.environment, text=True,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def jobs(self) -> list[Job]:
        """Every job that the controller knows, running and ended; Snakemake's comment names its rule or group."""
        lines = self.client("scontrol", "--oneliner", "--details", "show", "jobs").splitlines()
        found = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
        return [job for job in found if "JobId" in job]

    def jobs_of(self, rule: str, folder: Path) -> list[Job]:
        """Jobs of one rule of the Snakemake in `folder`, the oldest first."""
        lines = self.client("squeue", "--noheader", "--states=all", "--format=%i %Z").splitlines()
        here = {job for job, place in (line.split(" ", 1) for line in lines) if place == str(folder)}
        return [job for job in self.jobs() if rule in job.get("Comment", "") and job["JobId"] in here]

    def wait_for_job(self, rule: str, folder: Path, state: str, timeout: float = 240) -> Job:
        """The newest job of a rule once it is in `state`."""
        wait_for(
            lambda: [job["JobState"] for job in self.jobs_of(rule, folder)][-1:] == [state],
            f"{rule} to be {state}", timeout,
        )  # fmt: skip
        return self.jobs_of(rule, folder)[-1]

    def completed(self) -> list[Job]:
        """The completion log: one line per job that has ended."""
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


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 300) -> None:
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no zombie, which has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


class Hanging:
    """A job that stops as soon as it has saved a state, and hangs until its time limit strikes.

    Attributes:
        images_shown: what a training had shown when it was stopped.
        has_saved: whether the state is a newer one when the limit has struck.
    """

    def __init__(self, cluster: Cluster, folder: Path, rule: str, state: str) -> None:
        self.cluster, self.folder, self.rule, self.state = cluster, folder, rule, folder / state
        self.images_shown, self.has_saved = 0, False
        self.earlier: int | None = None  # attempts that were over before there was a state
        self.saved_ns = 0
        self.is_over = False

    def struck(self) -> bool:
        """Go on as far as can be now; whether the limit has struck."""
        if self.earlier is None and self.state.exists():
            os.kill(stage_process(self.folder, self.rule.rsplit("_", 1)[0]), signal.SIGSTOP)
            self.earlier, self.saved_ns = self.timeouts(), self.state.stat().st_mtime_ns
            self.images_shown = images_logged(self.folder)
        elif self.earlier is not None and not self.is_over and self.timeouts() > self.earlier:
            self.is_over, self.has_saved = True, self.state.stat().st_mtime_ns > self.saved_ns
        return self.is_over

    def timeouts(self) -> int:
        """Attempts that have run out of time."""
        return sum(job["JobState"] == "TIMEOUT" for job in self.cluster.jobs_of(self.rule, self.folder))


def stage_process(folder: Path, stage: str) -> int:
    """Pid of the Python process that runs a stage in `folder`."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, place = (process / "cmdline").read_bytes().split(b"\0"), (process / "cwd").resolve()
        except OSError:
            continue
        if words[1:3] == [b"-m", f"lacuna.stages.{stage}".encode()] and place == folder:
            return int(process.name)
    raise AssertionError(f"no process of {stage} in {folder}")


def images_logged(folder: Path) -> int:
    """Real images that the training of the generator has shown by the last row of its log."""
    path = folder / "results/train_generator/gan.tsv"
    if not path.exists():  # a state is saved by the clock, perhaps before the first row
        return 0
    rows = path.read_text().splitlines()
    return int(float(rows[-1].split("\t")[0]))
