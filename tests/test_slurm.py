"""The pipeline on a SLURM cluster: submitted, granted a GPU a job, struck by every fault, and finished all the same.

Every fault strikes a real job of a real cluster (tests/slurm/cluster); what comes out must equal an undisturbed run.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slurm_cluster
import toy
from slurm_cluster import Cluster, Hanging, wait_for

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with slurm_cluster.started(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workflow in which everything has run once, on this machine."""
    folder = toy.copy_workflow(tmp_path_factory.mktemp("undisturbed"))
    toy.write_config(folder, slurm_cluster.CONFIG)
    toy.snakemake(folder)
    return folder


def without(undisturbed: Path, folder: Path, stage: str) -> Path:
    """A copy of the finished run in which one stage has not run."""
    return Path(shutil.copytree(undisturbed, folder / "a copy", ignore=shutil.ignore_patterns(stage)))


def differing(undisturbed: Path, folder: Path) -> list[str]:
    """Arrays that the two folders do not share."""
    expected, found = toy.arrays(undisturbed), toy.arrays(folder)
    names = sorted(expected.keys() | found.keys())
    return [name for name in names if not np.array_equal(expected.get(name, "none"), found.get(name, "none"))]


def finish(run: subprocess.Popen[str], folder: Path) -> str:
    """Wait until Snakemake has ended well; what it printed."""
    assert run.wait(timeout=900) == 0, (folder / "slurm.txt").read_text()
    return (folder / "slurm.txt").read_text()


def images_resumed(folder: Path) -> int:
    """Real images after which the last attempt of the training went on."""
    found = re.search(r"going on after (\d+) images", (folder / "results/logs/train_generator/gan.log").read_text())
    assert found, "the training started anew"
    return int(found[1])


def uncommented(profile: str, key: str) -> str:
    """The profile with its remark on `key` turned into a setting, as a user would."""
    before, after = profile.split(f"# {key}:\n")
    lines = after.splitlines(keepends=True)
    count = next((row for row, line in enumerate(lines) if not line.startswith("#   - ")), len(lines))
    return "".join([before, f"{key}:\n", *(line.replace("#   - ", "  - ") for line in lines[:count]), *lines[count:]])


@pytest.fixture(scope="module")
def begun_again(
    cluster: Cluster, undisturbed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The whole pipeline, killed with jobs running, unlocked, and begun again: at work while other tests wait."""
    folder = toy.copy_workflow(tmp_path_factory.mktemp("whole"))
    toy.write_config(folder, slurm_cluster.CONFIG)
    path = folder / "profiles/slurm/config.yaml"
    path.write_text(uncommented(path.read_text(), "groups"))  # short stages together
    with cluster.background(folder) as run:
        wait_for((folder / "results/train_generator/gan.state.pt").exists, "the generator's training", 600)
        running = cluster.client("squeue", "--states=running", "--format=%i %k")
        assert "train_generator_weights" in running
        os.killpg(run.pid, signal.SIGKILL)
    toy.snakemake(folder, "--unlock")
    with cluster.background(folder) as run:
        yield run, folder


def test_over_its_time_limit_a_training_goes_on_with_more_time(
    cluster: Cluster, undisturbed: Path, begun_again: object, tmp_path: Path
) -> None:
    """Training and inversion hang until SLURM's SIGTERM; both save their step, and the retry has a longer limit."""
    training = without(undisturbed, tmp_path / "training", "train_generator")
    inversion = without(undisturbed, tmp_path / "inversion", "invert")
    for folder, stage in ((training, "train_generator"), (inversion, "invert")):
        path = folder / f"workflow/rules/{stage}.smk"
        path.write_text(path.read_text().replace("growing(240)", "growing(1)"))
    searching = Hanging(cluster, inversion, "invert_shard", "results/invert/layered_r/gan/gan/0-1.state.pt")
    learning = Hanging(cluster, training, "train_generator_weights", "results/train_generator/gan.state.pt")
    more = ("--retries", "5")  # on a slow machine a minute or two are over before there is a state
    with (
        cluster.background(training, "train_generator", *more) as one,
        cluster.background(inversion, "invert", *more) as other,
    ):
        wait_for(lambda: all([learning.struck(), searching.struck()]), "both time limits", 600)
        finish(one, training)
        finish(other, inversion)
    assert searching.has_saved and learning.has_saved
    lost = learning.images_shown - images_resumed(training)
    assert lost <= 0, f"{lost} images"
    limits = [job["TimeLimit"] for job in cluster.jobs_of("train_generator_weights", training)]
    assert limits == [f"00:0{attempt}:00" for attempt in range(1, len(limits) + 1)] and len(limits) > 1
    assert differing(undisturbed, training) == differing(undisturbed, inversion) == []


def test_killed_and_run_again_the_whole_pipeline_runs_through_slurm(
    cluster: Cluster, undisturbed: Path, begun_again: tuple[subprocess.Popen[str], Path]
) -> None:
    """kill -9 of Snakemake with jobs running, --unlock, the same command; each job asked for a GPU and got it."""
    run, folder = begun_again
    finish(run, folder)
    assert differing(undisturbed, folder) == []
    assert toy.planned(folder) == {}
    jobs = [job for job in cluster.jobs() if job["WorkDir"].startswith(str(folder.parent))]
    assert all(job["TresPerJob"] == "gres:gpu:1" and job["JOB_GRES"] == "gpu:1" for job in jobs)
    finished = {job["JobId"] for job in cluster.completed() if job["JobState"] == "COMPLETED"}
    for rule in ("train_segmenter_weights", "sample_shard", "segment_shard", "invert_shard", "report_page"):
        assert any(rule in job["Comment"] and job["JobId"] in finished for job in jobs), rule
    assert sum("statistics" in job["Comment"] for job in jobs) == 1  # jobs of two rules in one


def test_lines_of_the_profile_take_a_rule_or_every_job_off_the_gpus(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    folder = without(undisturbed, tmp_path, "results")
    path = folder / "profiles/slurm/config.yaml"
    original = path.read_text()
    path.write_text(uncommented(original, "set-resources"))
    asked = gpus_asked_for(cluster.snakemake(folder, "--dry-run"))
    assert asked.pop("moments_source") == asked.pop("fsd_pair") == "0"
    assert set(asked.values()) == {"1"} and len(asked) > 5
    path.write_text(original.replace("\n  - gpu=1\n", "\n  - gpu=0\n"))
    assert set(gpus_asked_for(cluster.snakemake(folder, "--dry-run")).values()) <= {"0"}


def gpus_asked_for(plan: str) -> dict[str, str]:
    """Rule -> GPUs of its jobs, by what a dry run prints."""
    return dict(re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: .*\bgpu=(\d+)", plan, re.MULTILINE))


def test_killed_as_for_memory_a_training_goes_on_from_its_last_state(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    folder = without(undisturbed, tmp_path, "train_generator")
    with cluster.background(folder, "train_generator") as run:
        wait_for((folder / "results/train_generator/gan.state.pt").exists, "the training's first state")
        shown = slurm_cluster.images_logged(folder)
        job = cluster.wait_for_job("train_generator_weights", folder, "RUNNING")["JobId"]
        cluster.client("scancel", "--signal=KILL", f"{job}.0")
        finish(run, folder)
    assert images_resumed(folder) >= shown  # which was saved before the row was read
    assert differing(undisturbed, folder) == []


def test_a_cancelled_job_is_submitted_again(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    folder = without(undisturbed, tmp_path, "sample")
    with cluster.background(folder, "sample") as run:
        job = cluster.wait_for_job("sample_shard", folder, "RUNNING")["JobId"]
        cluster.client("scancel", job)
        finish(run, folder)
    assert [job["JobState"] for job in cluster.jobs_of("sample_shard", folder)] == ["CANCELLED", "COMPLETED"]
    assert differing(undisturbed, folder) == []


def test_a_node_that_fails_gives_its_job_to_another(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    folder = without(undisturbed, tmp_path, "invert")
    with cluster.background(folder, "invert") as run:
        job = cluster.wait_for_job("invert_shard", folder, "RUNNING")
        node = f"NodeName={job['NodeList']}"
        cluster.client("scontrol", "update", node, "State=DOWN", "Reason=test")
        cluster.wait_for_job("invert_shard", folder, "PENDING")
        cluster.client("scontrol", "update", f"JobId={job['JobId']}", "StartTime=now")  # SLURM waits two minutes
        cluster.wait_for_job("invert_shard", folder, "RUNNING")
        cluster.client("scontrol", "update", node, "State=RESUME")
        finish(run, folder)
    (last,) = cluster.jobs_of("invert_shard", folder)
    assert last["NodeList"] != job["NodeList"] and last["Restarts"] == "1"
    assert differing(undisturbed, folder) == []


def test_a_restarted_controller_is_not_noticed(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    folder = without(undisturbed, tmp_path, "segment")
    with cluster.background(folder, "segment") as run:
        cluster.wait_for_job("segment_shard", folder, "RUNNING")
        known = (cluster.folder / "state/job_state").stat().st_mtime
        wait_for(
            lambda: (cluster.folder / "state/job_state").stat().st_mtime > known, "the controller to save its jobs"
        )
        os.kill(cluster.pid("slurmctld"), signal.SIGKILL)
        wait_for(lambda: not slurm_cluster.is_alive(cluster.pid("slurmctld")), "the controller to end")
        slurm_cluster.run_script("start", cluster.folder)
        finish(run, folder)
    assert {job["JobState"] for job in cluster.jobs_of("segment_shard", folder)} == {"COMPLETED"}
    assert differing(undisturbed, folder) == []


def test_an_edit_during_a_run_from_a_worktree_touches_no_job(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    """As docs/cluster.md says: the run has a worktree of its own, so that editing goes on."""
    checkout, folder = tmp_path / "checkout", tmp_path / "run"
    shutil.copytree(undisturbed, checkout, ignore=shutil.ignore_patterns("results", ".snakemake"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(checkout)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"], ["worktree", "add", "-q", str(folder)]):
        subprocess.run([*git, *words], check=True)
    with cluster.background(folder, "render", patient=True) as run:
        wait_for(lambda: bool(cluster.jobs_of("render_shard", folder)), "a job")
        for path in (checkout / "workflow").rglob("*.py"):
            path.write_text("raise RuntimeError('edited')\n")
        (checkout / "config.yaml").write_text("nonsense: true\n")
        finish(run, folder)
    rendered = {name for name in toy.arrays(undisturbed) if name.startswith("results/render/")}
    assert toy.arrays(folder).keys() == rendered
    assert not rendered & set(differing(undisturbed, folder))
