"""Files are whole or absent, and what keeps one from being written is one line, whoever writes it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from segmenter_case import WORLD

from lacuna.errors import UserError
from lacuna.formats.files import atomic, write_text

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
# Files of a process may be no larger than this; a full disk refuses in the same places.
LIMITED = """
import resource, signal
import numpy as np, torch
from lacuna.formats import checkpoints, files, hdf5, tables
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
def write(argv=None):
    numbers = np.random.default_rng(0).random(100_000)
    {call}
command.run("stage", write)
"""


@pytest.mark.parametrize(
    "call",
    [
        'files.write_text("out", "x" * 100_000)',
        'tables.write_tsv("out", ["a"], [[1.0]] * 100_000)',
        'hdf5.write("out", "test/1", {"a": numbers}, Provenance("test", "0"))',
        'checkpoints.save_weights("out", {"a": torch.from_numpy(numbers)}, {})',
    ],
    ids=["text", "table", "hdf5", "weights"],
)
def test_a_file_that_cannot_grow_is_one_line_and_leaves_what_was_there(tmp_path: Path, call: str) -> None:
    (tmp_path / "out").write_text("of an earlier run")
    done = subprocess.run(
        [sys.executable, "-B", "-c", LIMITED.replace("{call}", call)], cwd=tmp_path, env={"PYTHONPATH": str(WORKFLOW)},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("stage: out: cannot be written, larger than files may be here"), done
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "of an earlier run"


def test_a_failed_write_that_a_library_words_itself_is_a_full_disk_where_nothing_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        with atomic(tmp_path / "state.pt"):
            raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    with pytest.raises(RuntimeError, match="PytorchStreamWriter"):
        fail()
    free = type("Usage", (), {"free": 0})
    monkeypatch.setattr("lacuna.formats.files.shutil.disk_usage", lambda folder: free)
    with pytest.raises(UserError, match=r"state\.pt: cannot be written, no space left on the device; free some"):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_users_own_mistake_keeps_its_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^its own words$"), atomic(tmp_path / "a"):
        raise UserError("its own words")


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(OSError, match="results"):
        write_text(tmp_path / "results/a.tsv", "")


def test_a_stage_needs_no_home_no_name_and_no_folder_for_temporary_files(tmp_path: Path) -> None:
    """As in a container: HOME is not there, and nothing says who the user is."""
    words = ["--settings", json.dumps(WORLD), "--seed", "1"]
    words += ["--first", "0", "--last", "1", "--code", "0", "--shard", "a.h5"]
    nowhere = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "lacuna.stages.render", *words], cwd=tmp_path, text=True, capture_output=True,
        env=nowhere | {"PYTHONPATH": str(WORKFLOW)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    draw = "from pathlib import Path; from matplotlib.figure import Figure; from lacuna.report.figures import style; "
    draw += "style.save(Figure(), Path('a.svg'))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", draw], cwd=tmp_path, text=True, capture_output=True,
        env=nowhere | {"PYTHONPATH": str(WORKFLOW)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.svg"]
