from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from lacuna.data.latents import latents
from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.acgan.model import ClassGenerator, with_class
from lacuna.generators.progan.model import ProgressiveGenerator
from lacuna.networks.pixels import to_bytes
from lacuna.stages import sample


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    checkpoints.save_weights(tmp_path / "gan.safetensors", ProgressiveGenerator([6, 8, 8]).state_dict(), {})
    return tmp_path / "gan.safetensors"


def _sample(checkpoint: Path, first: int, last: int, batch_size: int = 4, seed: int = 1) -> dict[str, np.ndarray]:
    shard = checkpoint.parent / f"{first}-{last}-{batch_size}.h5"
    flags = {
        "family": "progan", "checkpoint": checkpoint, "seed": seed, "first": first, "last": last, "shard": shard,
        "batch-size": batch_size, "device": "cpu", "threads": 1, "code": "digest",
    }  # fmt: skip
    sample.main([str(word) for name, value in flags.items() for word in (f"--{name}", value)])
    with h5py.File(shard) as file:
        return {name: file[name][:] for name in ("images", "index", "z")}


def test_z_is_the_stream_of_the_published_code() -> None:
    whole = np.random.RandomState(7).standard_normal((10_000, 5)).astype(np.float32)
    assert np.array_equal(latents(7, 0, 99, 5), whole[:100])
    assert np.array_equal(latents(7, 9990, 9999, 5), whole[9990:])


def test_another_batch_size_moves_bytes_by_rounding_alone(checkpoint: Path) -> None:
    one, other = _sample(checkpoint, 0, 11), _sample(checkpoint, 0, 11, batch_size=5)
    assert np.array_equal(one["z"], other["z"])
    difference = np.abs(one["images"].astype(int) - other["images"])
    assert difference.max() <= 1  # float error at the edge of two levels
    assert (difference > 0).mean() < 0.01


def test_impossible_ranges_end_in_one_line(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="expected 0 <= first <= last"):
        _sample(checkpoint, 5, 4)
    with pytest.raises(ValueError, match="seed below"):
        _sample(checkpoint, 0, 1, seed=2**32)
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        _sample(checkpoint.with_name("none.safetensors"), 0, 1)


def _classes(folder: Path, *groups: list[int], family: str = "acgan") -> dict[str, np.ndarray]:
    torch.manual_seed(1)
    paths = [folder / f"part_{k}.safetensors" for k in range(len(groups))]
    for path, group in zip(paths, groups, strict=True):
        generator = ClassGenerator([6, 8, 8], group)
        for parameter in generator.parameters():
            torch.nn.init.normal_(parameter)
        checkpoints.save_weights(path, generator.state_dict(), {})
    flags = {"seed": 1, "first": 3, "last": 14, "batch-size": 5, "device": "cpu", "threads": 1, "code": "digest"}
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    shard = folder / "shard.h5"
    sample.main(["--family", family, "--checkpoint", *map(str, paths), "--shard", str(shard), *words])
    with h5py.File(shard) as file:
        return {name: file[name][:] for name in file}


def test_classes_come_in_turn_each_from_the_part_that_knows_it(tmp_path: Path) -> None:
    found = _classes(tmp_path, [4, 0], [7, 2])
    assert found["label"].tolist() == [[0, 2, 4, 7][i % 4] for i in range(3, 15)]
    part = ClassGenerator([6, 8, 8], [7, 2])
    part.load_state_dict(checkpoints.load_weights(tmp_path / "part_1.safetensors")[0])
    with torch.no_grad():
        cz_ND = with_class(torch.from_numpy(found["z"]), torch.ones(12, dtype=torch.int64), 2)
        alone = to_bytes(part.eval()(cz_ND))
    mine = found["label"] == 2
    assert mine.sum() == 3 and np.abs(alone[mine].astype(int) - found["images"][mine]).max() <= 1
    assert np.abs(alone[~mine].astype(int) - found["images"][~mine]).max() > 10


def test_a_class_of_two_parts_or_parts_without_classes_end_in_one_line(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="class 2 is drawn by several"):
        _classes(tmp_path, [0, 2], [2, 3])
    words = ["--family", "progan", "--checkpoint", str(checkpoint), str(checkpoint), "--seed", "1", "--first", "0"]
    words += ["--last", "1", "--batch-size", "2", "--device", "cpu", "--threads", "1", "--code", "digest"]
    with pytest.raises(ValueError, match="2 checkpoints of a family without classes, expected one"):
        sample.main([*words, "--shard", str(tmp_path / "shard.h5")])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_generator_that_has_diverged_leaves_one_line_and_no_images(
    tmp_path: Path, checkpoint: Path, value: float
) -> None:
    state, found = checkpoints.load_weights(checkpoint)
    name = next(name for name, tensor in state.items() if name.startswith("output"))
    state[name] = torch.full_like(state[name], value)
    broken = tmp_path / "nan.safetensors"
    checkpoints.save_weights(broken, state, found)
    with pytest.raises(UserError, match=r"progan generator .*nan\.safetensors, images 0-1: 2 of 2 images hold NaN"):
        _sample(broken, 0, 1)
    assert not list(tmp_path.glob("*.h5"))
