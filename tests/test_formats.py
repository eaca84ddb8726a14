"""Files are whole or absent, and a reader says in one line what is wrong with one."""

import errno
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from lacuna.errors import UserError
from lacuna.formats import areas, checkpoints, files, hdf5, images, tables
from lacuna.formats.areas import ClassAreas, Skipped
from lacuna.runtime.provenance import Provenance

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
MADE_BY = Provenance("test", "abc", {"b": 1}, seed=3)


def write_images(path: Path, first: int, count: int) -> np.ndarray:
    pixels = np.random.default_rng(first).integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)
    z = np.arange(first, first + count, dtype=np.float32)[:, None]
    images.write(path, pixels, np.arange(first, first + count), MADE_BY, {"note": "x"}, z=z)
    return pixels


def test_shards_read_as_one_in_any_order_with_repeats(tmp_path: Path) -> None:
    first, second = (write_images(tmp_path / f"{start}.h5", start, 5) for start in (0, 5))
    with images.ImageShards([tmp_path / "0.h5", tmp_path / "5.h5"]) as shards:
        assert len(shards) == 10 and shards.size == 8 and shards.index.tolist() == list(range(10))
        rows = np.array([7, 1, 1, 9, 0])
        assert np.array_equal(shards.read("images", rows), np.concatenate([first, second])[rows])
        assert shards.read("z", rows)[:, 0].tolist() == rows.tolist()
        assert "z" in shards and "label" not in shards
        assert shards.attributes["code"] == "abc" and shards.attributes["seed"] == 3


def test_nothing_half_written_is_seen(tmp_path: Path) -> None:
    def fail() -> None:
        with files.atomic(tmp_path / "x") as partial:
            partial.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    files.write_text(tmp_path / "x", "old")

    def fail() -> None:
        with files.atomic(tmp_path / "x") as partial:
            partial.write_text("new")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "x").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_truncated_or_foreign_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_images(path, 0, 5)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.h5: no readable HDF5 .* expected lacuna-images/1; delete it"):
        images.ImageShards([path])
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="format 'lacuna-images/1', expected 'lacuna-areas/1'"):
        areas.read(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        areas.read(tmp_path / "absent.h5")


def test_class_areas_come_back_as_written(tmp_path: Path) -> None:
    table = ClassAreas(
        np.array([[60, 4], [0, 64]], dtype=np.uint32), np.array([0, 2]), ["-", "sky"], ["object"] * 2, 64,
        [Skipped(1, "b.png", "no image")],
    )  # fmt: skip
    areas.write(tmp_path / "0-2.h5", table, MADE_BY)
    found = areas.read(tmp_path / "0-2.h5")
    assert np.array_equal(found.area_px, table.area_px) and found.skipped == table.skipped
    assert found.percent[1].tolist() == [0.0, 100.0]
    assert [len(part.index) for part in areas.read_shards(tmp_path, 3, 3)] == [2]


def test_weights_are_byte_equal_and_metadata_come_back(tmp_path: Path) -> None:
    state = {"b": torch.arange(4.0), "a": torch.ones(2, 2)}
    for name in ("x", "y"):
        checkpoints.save_weights(tmp_path / f"{name}.safetensors", state, {"family": "progan", "sizes": [1, 2]})
    found, metadata = checkpoints.load_weights(tmp_path / "x.safetensors")
    assert metadata == {"family": "progan", "sizes": [1, 2]} and torch.equal(found["b"], state["b"])
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_truncated_checkpoint_is_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w.{suffix}"
    if suffix == "pth":
        torch.save({"a": torch.ones(100)}, path)
    else:
        checkpoints.save_weights(path, {"a": torch.ones(100)}, {})
    path.write_bytes(path.read_bytes()[:-150])
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        checkpoints.load_weights(path)


def test_keys_that_do_not_fit_are_all_named() -> None:
    module = torch.nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"missing: bias; extra: gain; misshapen: weight \(3, 3\) instead of \(3, 2\)"):
        checkpoints.load_strict(module, {"weight": torch.ones(3, 3), "gain": torch.ones(1)}, "w.pth")


def test_a_training_state_of_another_key_is_discarded_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.pt"
    assert checkpoints.load_training(path, {"code": "a"}) is None
    checkpoints.save_training(path, {"step": 3, "x": torch.ones(2)}, {"code": "a"})
    state = checkpoints.load_training(path, {"code": "a"})
    assert state is not None and state["step"] == 3
    assert checkpoints.load_training(path, {"code": "b"}) is None and "starting anew" in caplog.text
    path.write_bytes(path.read_bytes()[:50])
    assert checkpoints.load_training(path, {"code": "a"}) is None


def test_tables_come_back_in_full_precision(tmp_path: Path) -> None:
    tables.write_tsv(tmp_path / "t.tsv", ["name", "value"], [["a", 0.1 + 0.2], ["b", float("nan")], ["c", True]])
    rows = tables.read_tsv(tmp_path / "t.tsv")
    assert float(rows[0]["value"]) == 0.1 + 0.2 and rows[1]["value"] == "nan" and rows[2]["value"] == "yes"
    tables.write_json(tmp_path / "t.json", {"b": 1, "a": [2.5]})
    assert tables.read_json(tmp_path / "t.json") == {"a": [2.5], "b": 1}


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EAGAIN, errno.ENOSYS, None])
def test_a_file_is_read_without_a_lock_where_none_is_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    hdf5.write(tmp_path / "a.h5", "some/1", {"x": np.arange(3)}, Provenance("stage", "code"))
    real, asked = h5py.File, []

    def file(path: Path, mode: str, locking: bool | None = None) -> h5py.File:
        asked.append(locking)
        if locking is None:
            raise OSError(*([number] if number else []), "unable to lock file, errno = 37, 'No locks available'")
        return real(path, mode, locking=locking)

    monkeypatch.setattr(h5py, "File", file)
    with hdf5.opened(tmp_path / "a.h5", "some/1") as found:
        assert found["x"][:].tolist() == [0, 1, 2]
    assert asked == [None, False]


def test_more_shards_are_read_than_a_process_may_open(tmp_path: Path) -> None:
    for start in range(0, 300, 2):
        write_images(tmp_path / f"{start}.h5", start, 2)
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (110, 110))
import numpy as np
from lacuna.formats.images import ImageShards
paths = ["{tmp_path}/" + str(start) + ".h5" for start in range(0, 300, 2)]
with ImageShards(paths) as shards:
    assert shards.index.tolist() == list(range(300))
    rows = np.random.default_rng(1).permutation(300)
    assert (shards.read("z", rows)[:, 0] == rows).all()
    print(len(shards._open))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=WORKFLOW, capture_output=True, text=True, check=False)
    assert run.stdout == "64\n", run.stderr


def test_other_errors_of_a_file_are_not_taken_for_a_missing_lock(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(UserError, match="no readable HDF5"), hdf5.opened(tmp_path / "a.h5", "some/1"):
        pass


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>sign in</html>", "a web page, no weights; download it again"),
        (pickle.dumps(Path("x")), "it holds pickled Python objects, which are not run"),
        (b"PK\3\4cut", "not a readable checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_named_without_advice_to_run_it(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        checkpoints.load_weights(path)
    assert "weights_only" not in str(caught.value) and "delete" not in str(caught.value) and path.exists()
