"""The classifier: a training that was broken off goes on to equal weights; programs of the user's own are checked."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lacuna.classifiers.classifier import load_classifier
from lacuna.classifiers.resnet.training import Training
from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.formats import images, tables
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.stages import train_classifier

SETTINGS: dict[str, Any] = {
    "architecture": {
        "block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 4, 8, 8], "stem_stride": 1,
    },
    "images": 960, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.0001, "precision": "float32",
    "checkpoint_interval": 80,
}  # fmt: skip
NAMES = ["red", "green", "blue"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Sixty noisy images of 16 pixels, each bright in the colour that is its class."""
    random = np.random.default_rng(0)
    for first in (0, 30):
        rows = np.arange(first, first + 30)
        pixels = random.integers(0, 120, (30, 16, 16, 3), dtype=np.uint8)
        pixels[np.arange(30), :, :, rows % 3] += 100
        images.write(
            tmp_path / f"colours/{first}-{first + 29}.h5", pixels, rows, Provenance("render", "test"), label=rows % 3,
            attributes={"vocabulary": canonical_json({"scene": NAMES})},
        )  # fmt: skip
    return tmp_path / "colours"


def train(source: Path, out: Path, **changes: Any) -> Path:
    flags = {
        "images": source, "count": 60, "validation-images": source, "validation-count": 30, "shard-size": 30, "seed": 1,
        "settings": json.dumps(SETTINGS | changes), "device": "cpu", "threads": 1, "state": out / "state.pt",
        "weights": out / "net.safetensors", "card": out / "net.md", "log": out / "net.tsv", "code": "digest",
    }  # fmt: skip
    train_classifier.main([str(word) for name, value in flags.items() for word in (f"--{name}", value)])
    return out


def test_colours_are_told_apart_and_the_card_says_how_well(source: Path, tmp_path: Path) -> None:
    out = train(source, tmp_path / "a")
    classifier = load_classifier("resnet", out / "net.safetensors", {})
    assert (classifier.classes, classifier.size) == (NAMES, 16)
    picture = np.full((3, 32, 32, 3), 60, np.uint8)
    picture[np.arange(3), :, :, np.arange(3)] = 160
    for resolution in (None, 8):
        assert classifier.scores(picture, resolution).argmax(1).tolist() == [0, 1, 2]
    assert "Held-out accuracy on 30 images of `colours`: **1.0000**" in (out / "net.md").read_text()
    assert float(tables.read_tsv(out / "net.tsv")[-1]["accuracy"]) == 1


def test_a_killed_training_goes_on_to_equal_weights(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(source, tmp_path / "whole")
    advance = Training.advance

    def die(training: Training) -> float:
        if training.step == 25:
            raise KeyboardInterrupt
        return advance(training)

    monkeypatch.setattr(Training, "advance", die)
    with pytest.raises(KeyboardInterrupt):
        train(source, tmp_path / "killed")
    monkeypatch.setattr(Training, "advance", advance)
    killed = train(source, tmp_path / "killed")
    assert (whole / "net.safetensors").read_bytes() == (killed / "net.safetensors").read_bytes()


def test_the_log_of_a_training_terminated_between_its_rows_is_that_of_the_whole(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(source, tmp_path / "whole", checkpoint_interval=80)
    advance = Training.advance

    def terminate(training: Training) -> float:
        if training.step == 13:  # the state is saved after 14 steps, rows are 10 apart
            os.kill(os.getpid(), signal.SIGTERM)
        return advance(training)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "advance", terminate)
        with pytest.raises(command.Terminated):
            train(source, tmp_path / "resumed", checkpoint_interval=80)
    resumed = train(source, tmp_path / "resumed", checkpoint_interval=80)
    rows = [[(row["images"], row["loss"]) for row in tables.read_tsv(out / "net.tsv")] for out in (whole, resumed)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("terminated", [False, True], ids=["at_a_row", "by_sigterm_between_rows"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, terminated: bool
) -> None:
    advance = Training.advance

    def poisoned(training: Training) -> float:
        loss = advance(training)
        if terminated and training.step == 14:
            os.kill(os.getpid(), signal.SIGTERM)
        return value if training.step == 12 else loss

    monkeypatch.setattr(Training, "advance", poisoned)
    message = f"training of classifier net diverged: loss is {value} at step {14 if terminated else 20}, expected"
    with pytest.raises(UserError, match=message):
        train(source, tmp_path / "out")
    assert torch.load(tmp_path / "out/state.pt", weights_only=True)["state"]["step"] == 10
    assert not (tmp_path / "out/net.safetensors").exists()


def test_bad_sources_end_in_one_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size is 100, expected at most the 60 images"):
        train(source, tmp_path, batch_size=100)
    images.write(tmp_path / "plain/0-29.h5", np.zeros((30, 8, 8, 3), np.uint8), np.arange(30), Provenance("a", "b"))
    images.write(tmp_path / "plain/30-59.h5", np.zeros((30, 8, 8, 3), np.uint8), np.arange(30), Provenance("a", "b"))
    with pytest.raises(ValueError, match="plain: no labels in its shards"):
        train(tmp_path / "plain", tmp_path)


class Colours(nn.Module):
    """Scores are the mean of each colour."""

    def forward(self, x_N3HW: Tensor) -> Tensor:
        return x_N3HW.mean((2, 3))


class Pair(nn.Module):
    def forward(self, x_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return x_N3HW.mean((2, 3)), x_N3HW


def export(module: nn.Module, path: Path, size: int = 8) -> Path:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(module, (torch.zeros(2, 3, size, size),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


def test_an_exported_program_judges_images(tmp_path: Path) -> None:
    path = export(Colours(), tmp_path / "colours.pt2")
    classifier = load_classifier("exported", path, {"size": 8, "classes": NAMES})
    picture = np.zeros((3, 20, 20, 3), np.uint8)
    picture[np.arange(3), :, :, np.arange(3)] = 255
    assert classifier.scores(picture).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert load_classifier("exported", path, {"size": 8, "classes": 3}).classes[2] == "class 2"


def test_other_programs_end_in_one_line(tmp_path: Path) -> None:
    path = export(Colours(), tmp_path / "colours.pt2")
    with pytest.raises(ValueError, match=r"shape \(2, 3\), expected \(2, 10\)") as caught:
        load_classifier("exported", path, {"size": 8, "classes": 10})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="takes no batch of 2 images of 16x16 pixels") as caught:
        load_classifier("exported", path, {"size": 16, "classes": 3})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"give tuple of shape \(\)"):
        load_classifier("exported", export(Pair(), tmp_path / "pair.pt2"), {"size": 8, "classes": 3})
    (tmp_path / "broken.pt2").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"broken\.pt2: not a readable exported program"):
        load_classifier("exported", tmp_path / "broken.pt2", {"size": 8, "classes": 3})


def test_no_downloaded_program_is_loaded() -> None:
    """Loading an exported program runs what its maker wrote; what fetch brought is never loaded so."""
    program = {"family": "exported", "checkpoint": "resources/net.pt2", "size": 8, "classes": 3}
    config = {"seed": 1, "report": "index", "sources": {}, "segmenters": {}, "classifiers": {"net": program}}
    with pytest.raises(ValueError, match=r"classifiers\.net\.checkpoint: .* a downloaded file; expected a program"):
        check_config(config)
    check_config(config | {"classifiers": {"net": program | {"checkpoint": "net.pt2"}}})
