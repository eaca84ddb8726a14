"""The classifier: what it learns and says of itself; programs of the user's own are checked."""

from pathlib import Path

import numpy as np
import pytest
import torch
import training_cases
from torch import Tensor, nn
from training_cases import COLOURS

from lacuna.classifiers.classifier import load_classifier
from lacuna.config.configuration import check_config
from lacuna.formats import images, tables
from lacuna.runtime.provenance import Provenance


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return training_cases.colours(tmp_path / "colours")


def test_colours_are_told_apart_and_the_card_says_how_well(source: Path, tmp_path: Path) -> None:
    out = training_cases.classifier(source, tmp_path / "a", images=960, log_interval=80)
    classifier = load_classifier("resnet", out / "net.safetensors", {})
    assert (classifier.classes, classifier.size) == (COLOURS, 16)
    picture = np.full((3, 32, 32, 3), 60, np.uint8)
    picture[np.arange(3), :, :, np.arange(3)] = 160
    for resolution in (None, 8):
        assert classifier.scores(picture, resolution).argmax(1).tolist() == [0, 1, 2]
    assert "Held-out accuracy on 30 images of `colours`: **1.0000**" in (out / "net.md").read_text()
    assert float(tables.read_tsv(out / "net.tsv")[-1]["accuracy"]) == 1


def test_bad_sources_end_in_one_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size is 100, expected at most the 60 images"):
        training_cases.classifier(source, tmp_path, batch_size=100)
    images.write(tmp_path / "plain/0-29.h5", np.zeros((30, 8, 8, 3), np.uint8), np.arange(30), Provenance("a", "b"))
    images.write(tmp_path / "plain/30-59.h5", np.zeros((30, 8, 8, 3), np.uint8), np.arange(30), Provenance("a", "b"))
    with pytest.raises(ValueError, match="plain: no labels in its shards"):
        training_cases.classifier(tmp_path / "plain", tmp_path)


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
    classifier = load_classifier("exported", path, {"size": 8, "classes": COLOURS})
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
