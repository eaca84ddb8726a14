"""Files of inversions: only what is asked for is read, once, and what was found already is not sought again."""

import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lacuna.formats import inversions
from lacuna.formats.inversions import ALL, ARRAYS, Inversions
from lacuna.runtime import provenance
from lacuna.runtime.provenance import Provenance

EACH, NUM_SHARDS = 4, 5


def drawn(first: int, count: int = EACH, **changes: Any) -> Inversions:
    """Inversions of some images, with features of 256 kB an image."""
    rng = np.random.default_rng(first)
    pixels = rng.integers(0, 256, (2, count, 8, 8, 3), dtype=np.uint8)
    z = rng.standard_normal((2, count, 6)).astype(np.float32)
    r = rng.standard_normal((3, count, 64, 32, 32)).astype(np.float32)
    values: dict[str, Any] = {
        "x": pixels[0], "x_hat": pixels[1], "z0": z[0], "z": z[1], "r0": r[0], "r": r[1],
        "loss": rng.random((count, 3, 2), dtype=np.float32), "index": np.arange(first, first + count),
        "converged": rng.random(count) < 0.5, "steps": np.arange(3), "terms": ("total", "pixel"), "method": "layered_r",
        "layer": 3, "residuals": {1: r[2], 3: rng.standard_normal((count, 2)).astype(np.float32)},
    }  # fmt: skip
    return Inversions(**(values | changes))


def wanted(folder: Path, **config: Any) -> Provenance:
    """What a shard follows from; its two input files are written too."""
    inputs = [folder / name for name in ("weights", "encoder")]
    for path in inputs:
        path.write_text(path.name)
    return Provenance("invert", "test", {"steps": 6, "batch_size": 4} | config, 1, inputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five shards of four images."""
    folder = tmp_path_factory.mktemp("inversions")
    for first in range(0, EACH * NUM_SHARDS, EACH):
        inversions.write(folder / f"{first}-{first + EACH - 1}.h5", drawn(first), Provenance("invert", "test"))
    return folder


def test_shards_are_read_as_one_and_as_they_were_written(folder: Path) -> None:
    found = inversions.read_shards(folder, EACH * NUM_SHARDS, EACH)
    parts = [drawn(first) for first in range(0, EACH * NUM_SHARDS, EACH)]
    for name in ARRAYS:
        assert np.array_equal(getattr(found, name), np.concatenate([getattr(part, name) for part in parts])), name
    for k in (1, 3):
        assert np.array_equal(found.residuals[k], np.concatenate([part.residuals[k] for part in parts]))
    assert (found.terms, found.method, found.layer) == (("total", "pixel"), "layered_r", 3)


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_asked_for_has_no_numbers(folder: Path, name: str) -> None:
    found, everything = (inversions.read(folder / "4-7.h5", names) for names in ((name,), ALL))
    for other in ARRAYS:
        array = getattr(found, other)
        if other in (name, "index", "converged"):
            assert np.array_equal(array, getattr(everything, other))
        else:
            assert array.shape == (EACH, 0)
    assert list(found.residuals) == ([1, 3] if name == "residuals" else [])


@pytest.mark.parametrize(("names", "copies"), [(("r",), 1), (("r", "r0"), 2), (("x", "x_hat", "loss"), 0), ((), 0)])
def test_memory_holds_what_is_asked_for_once(folder: Path, names: tuple[str, ...], copies: int) -> None:
    features = EACH * NUM_SHARDS * 64 * 32 * 32 * 4  # bytes of r of all images, 5 MB
    inversions.read_shards(folder, EACH * NUM_SHARDS, EACH, names)  # what modules keep is there before
    tracemalloc.start()
    inversions.read_shards(folder, EACH * NUM_SHARDS, EACH, names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= (copies + 0.1) * features  # the tenth is for all else: pixels, z, lists


def test_datasets_that_are_not_asked_for_are_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, get = [], h5py.File.__getitem__
    monkeypatch.setattr(h5py.File, "__getitem__", lambda file, name: (opened.append(name), get(file, name))[1])
    inversions.read_shards(folder, EACH * NUM_SHARDS, EACH, ("x", "x_hat"))
    assert set(opened) - {"/"} == {"index", "converged", "steps", "x", "x_hat"}


@pytest.mark.parametrize(
    "changes",
    [{"method": "layered"}, {"layer": 2}, {"terms": ("total", "feature")}, {"residuals": {}}],
    ids=lambda changes: next(iter(changes)),
)
def test_shards_of_another_search_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    inversions.write(tmp_path / "0-3.h5", drawn(0), Provenance("invert", "test"))
    inversions.write(tmp_path / "4-7.h5", drawn(4, **changes), Provenance("invert", "test"))
    with pytest.raises(ValueError, match="or of other settings; run invert again"):
        inversions.read_shards(tmp_path, 8, 4)


def test_inputs_are_digested_once_however_many_shards_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = wanted(tmp_path)
    for first in range(0, 24, 4):
        inversions.write(tmp_path / f"shards/{first}-{first + 3}.h5", drawn(first), given)
    digested, digest = [], provenance.digest_file
    monkeypatch.setattr(provenance, "digest_file", lambda path: (digested.append(path), digest(path))[1])
    found = inversions.earlier(tmp_path / "shards/0-23.h5", given, np.zeros((1, 8, 8, 3), np.uint8), np.array([99]))
    assert found is None and len(digested) == 2


@pytest.mark.parametrize(
    ("config", "taken"), [({}, True), ({"steps": 7}, False), ({"batch_size": 2}, False), ({"batch_size": 8}, False)]
)
def test_finished_images_are_those_of_equal_settings_batch_size_included(
    tmp_path: Path, config: dict[str, Any], taken: bool
) -> None:
    inversions.write(tmp_path / "shards/0-3.h5", drawn(0), wanted(tmp_path))
    x = np.concatenate([drawn(0).x, drawn(4).x])
    x[2] += 1  # another image since
    found = inversions.earlier(tmp_path / "shards/0-7.h5", wanted(tmp_path, **config), x, np.arange(8))
    assert (found.index.tolist() if found else []) == ([0, 1, 3] if taken else [])
    if found:
        for name in ARRAYS:
            assert np.array_equal(getattr(found, name), getattr(drawn(0), name)[[0, 1, 3]])


def test_a_damaged_shard_beside_is_passed_over_with_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inversions.write(tmp_path / "shards/0-3.h5", drawn(0), wanted(tmp_path))
    inversions.write(tmp_path / "shards/0-1.h5", drawn(0, 2), wanted(tmp_path))
    whole = (tmp_path / "shards/0-1.h5").read_bytes()
    (tmp_path / "shards/0-1.h5").write_bytes(whole[: len(whole) // 2])
    found = inversions.earlier(tmp_path / "shards/0-7.h5", wanted(tmp_path), drawn(0).x, np.arange(4))
    assert found is not None and found.index.tolist() == [0, 1, 2, 3]
    assert "not looked at for finished images" in caplog.text


def test_no_image_is_taken_twice(tmp_path: Path) -> None:
    """Two shards may hold one image: the partial one of an earlier count, and the one that replaced it."""
    both = drawn(0)
    inversions.write(tmp_path / "shards/0-1.h5", inversions.take(both, [0, 1]), wanted(tmp_path))
    inversions.write(tmp_path / "shards/0-3.h5", both, wanted(tmp_path))
    found = inversions.earlier(tmp_path / "shards/0-7.h5", wanted(tmp_path), both.x, np.arange(4))
    assert found is not None and sorted(found.index.tolist()) == [0, 1, 2, 3]
