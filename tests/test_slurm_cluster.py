"""The test cluster itself: up within 30 s, GPUs granted one by one, beside another one, and nothing left behind."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import slurm_cluster

pytestmark = pytest.mark.slurm
WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
NAMES = ("munged", "slurmctld", "slurmd", "slurmstepd", "slurmscriptd")


def daemons() -> dict[int, str]:
    """SLURM's and munge's processes on this machine, zombies left out."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, words = (process / "comm").read_text().strip(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if words and any(name.startswith(known[:15]) for known in NAMES):
            found[int(process.name)] = name
    return found


def test_up_within_30_s_and_nothing_is_left_behind(tmp_path: Path) -> None:
    before, begun = daemons().keys(), time.monotonic()
    folder = tmp_path / "cluster"
    with slurm_cluster.started(folder) as cluster:
        assert time.monotonic() - begun < 30
        assert cluster.client("sinfo", "-h", "-N", "-o", "%N %t %G").split("\n")[:2] == [
            "node1 idle gpu:2", "node2 idle gpu:2",
        ]  # fmt: skip
        cluster.client("sbatch", "--gpus=1", "--wrap", "sleep 1234; true", "--output", str(tmp_path / "job"))
        slurm_cluster.wait_for(lambda: cluster.jobs()[0]["JobState"] == "RUNNING", "the job")
    assert daemons().keys() == before
    assert not folder.exists()
    assert "sleep 1234" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_each_of_two_jobs_on_a_node_is_given_a_gpu_of_its_own(tmp_path: Path) -> None:
    with slurm_cluster.started(tmp_path / "cluster") as cluster:
        script = "import os; from lacuna.runtime import gpus; print(*gpus.given(os.environ, count=1).values())"
        work = ("--chdir", str(WORKFLOW), "--wrap", f"{shlex.quote(sys.executable)} -c {shlex.quote(script)}; sleep 2")
        words = ("--gpus=1", "--nodelist=node1", f"--output={tmp_path}/%j", *work)
        first, second = (cluster.client("sbatch", "--parsable", *words).strip() for _ in range(2))
        slurm_cluster.wait_for(lambda: len(cluster.completed()) == 2, "both jobs")
        given = sorted((tmp_path / job).read_text().strip() for job in (first, second))
        assert given == ["0", "1"]
        refused = subprocess.run(
            ["timeout", "20", "sbatch", "--gpus=9", "--wrap", "true"], env=cluster.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert refused.returncode != 0 and "not available" in refused.stderr


def test_two_clusters_side_by_side_know_nothing_of_each_other(tmp_path: Path) -> None:
    with slurm_cluster.started(tmp_path / "one") as one:
        with slurm_cluster.started(tmp_path / "two") as two:
            for cluster in (one, two):
                cluster.client("sbatch", "--wrap", "sleep 60", "--output=/dev/null")
            assert [len(cluster.jobs()) for cluster in (one, two)] == [1, 1]
        assert one.jobs()[0]["JobState"] in ("RUNNING", "PENDING")


def test_start_again_starts_only_what_is_down(tmp_path: Path) -> None:
    with slurm_cluster.started(tmp_path / "cluster") as cluster:
        cluster.client("sbatch", "--wrap", "sleep 60", "--output=/dev/null")
        node, controller = cluster.pid("slurmd_node1"), cluster.pid("slurmctld")
        slurm_cluster.wait_for((cluster.folder / "state/job_state").exists, "the controller to write down its jobs")
        os.kill(controller, 9)
        slurm_cluster.run_script("start", cluster.folder)
        assert cluster.pid("slurmd_node1") == node and cluster.pid("slurmctld") != controller
        assert len(cluster.jobs()) == 1
