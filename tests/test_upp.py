"""The published segmenter's folder: its files are inputs, and what is wrong with them is said in one line."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import toy
from PIL import Image

from lacuna import families
from lacuna.families import PERCEPTUAL, SEGMENTERS
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.parsing_segmenter import build_network
from lacuna.segmenters.upp import checkpoint as published
from lacuna.segmenters.upp import files as upp

LABELS: dict[str, Any] = {
    "object": ["-", "sky", "building", "person"],
    "material": ["-", "stone"],
    "scene": ["house", "barn"],
    "object_part": {"person": ["-", "head"], "building": ["-", "wall", "door"]},
}
ARCHITECTURE = {
    "encoder": {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 4, 4, 4]},
    "fpn_dim": 8, "ppm_dim": 4,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the published form, with a small network in it."""
    monkeypatch.setattr(published, "ARCHITECTURE", ARCHITECTURE)
    place = tmp_path / "published weights"
    place.mkdir()
    (place / "labels.json").write_text(json.dumps(LABELS))
    network = build_network(*published.published_vocabulary(LABELS), ARCHITECTURE)
    torch.save(network.encoder.state_dict(), place / "encoder_epoch_40.pth")
    torch.save(network.decoder.state_dict(), place / "decoder_epoch_40.pth")
    return place


def line(folder: Path) -> str:
    """What loading the folder says; one line."""
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        load_segmenter("upp", folder)
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def test_the_folder_is_loaded(folder: Path) -> None:
    segmenter = load_segmenter("upp", folder)
    assert segmenter.classes["object"] == LABELS["object"]
    assert segmenter.size == 256


def test_part_channels_are_in_the_order_of_their_owners_whatever_the_order_of_the_labels(folder: Path) -> None:
    segmenter = load_segmenter("upp", folder)
    assert [(block.owner, block.first, len(block.parts)) for block in segmenter.blocks] == [(2, 0, 3), (3, 3, 2)]
    assert segmenter.classes["part"] == ["-", "building-wall", "building-door", "person-head"]


@pytest.mark.parametrize("name", ["labels.json", "encoder_epoch_40.pth", "decoder_epoch_40.pth"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"expected exactly one, say {name}" in line(folder)


def test_two_files_of_a_kind_are_named(folder: Path) -> None:
    (folder / "encoder_epoch_20.pth").write_bytes(b"")
    assert "encoder_epoch_20.pth, encoder_epoch_40.pth found for encoder*.pth" in line(folder)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("{", "no JSON"),
        ([], "found a list at top level"),
        (LABELS | {"object": {"-": 0}}, "no list of names under 'object'"),
        (LABELS | {"material": ["stone"]}, "the names under 'material' begin with"),
        (LABELS | {"object_part": ["head"]}, "no map from objects to their parts"),
        (LABELS | {"object_part": {"dragon": ["-", "tail"]}}, "names 'dragon', none of the objects"),
        (LABELS | {"object_part": {"person": ["head"]}}, "the parts of 'person' are no list that begins with '-'"),
        (LABELS | {"object": [*LABELS["object"], "dragon"]}, "the object head has 4 classes, its labels 5"),
    ],
)
def test_labels_of_another_form_are_one_line(folder: Path, labels: Any, message: str) -> None:
    (folder / "labels.json").write_text(labels if isinstance(labels, str) else json.dumps(labels))
    assert message in line(folder)


def test_every_key_that_does_not_fit_is_named(folder: Path) -> None:
    path = folder / "decoder_epoch_40.pth"
    state = torch.load(path, weights_only=True)
    del state["fpn_in.0.0.weight"]
    state["object_head.0.0.weight"] = torch.zeros(8, 8, 1, 1)
    torch.save(state | {"texture_head.bias": torch.zeros(3)}, path)
    text = line(folder)
    assert "missing: fpn_in.0.0.weight" in text
    assert "extra: texture_head.bias" in text
    assert "misshapen: object_head.0.0.weight (8, 8, 1, 1) instead of (8, 8, 3, 3)" in text


def test_a_size_that_the_network_cannot_halve_is_one_line(folder: Path) -> None:
    segmenter = load_segmenter("upp", folder)
    with pytest.raises(ValueError, match="images of 72 x 64 pixels, expected sides that are multiples of 32"):
        segmenter.label_maps(torch.zeros(1, 64, 72, 3, dtype=torch.uint8))


def test_every_segmenter_is_a_perceptual_network_too() -> None:
    assert set(SEGMENTERS) <= set(PERCEPTUAL)


def test_files_that_are_not_there_yet_have_their_published_names(folder: Path) -> None:
    (folder / "encoder_epoch_40.pth").rename(folder / "encoder_epoch_39.pth")
    (folder / "labels.json").unlink()
    found = [Path(path).name for path in upp.weights_files(str(folder))]
    assert found == ["labels.json", "encoder_epoch_39.pth", "decoder_epoch_40.pth"]
    assert families.files("segmenters", "upernet", "net.safetensors") == ["net.safetensors"]


@pytest.mark.workflow
def test_another_content_of_the_folder_reruns_segment(tmp_path: Path) -> None:
    """No job is run: what a finished run would have left is made by hand and accepted with --touch."""
    copy = toy.copy_workflow(tmp_path)
    weights, photos = copy / "upp", copy / "photos"
    for place in (weights, photos):
        place.mkdir()
    for number in range(2):
        Image.new("RGB", (64, 64)).save(photos / f"{number}.png")
    for name in upp.FILES.values():
        (weights / name).write_text(name)
    source = {"kind": "folder", "path": "photos", "count": 2, "size": 64}
    toy.write_config(copy, {
        "seed": 1, "report": "toy", "sources": {"one": source, "other": source},
        "segmenters": {"net": {"family": "upp", "checkpoint": "upp"}},
        "comparisons": [{"real": "one", "generated": "other", "segmenter": "net"}],
    })  # fmt: skip
    for name in ("one", "other"):
        table = copy / f"results/segment/net/{name}/0-1.h5"
        table.parent.mkdir(parents=True)
        table.touch()
    toy.snakemake(copy, "segment", "--touch")
    assert toy.planned(copy, "segment") == {}
    for name in upp.FILES.values():
        path = weights / name
        before = path.stat()
        path.write_text("of another training")
        assert toy.planned(copy, "segment") == {"segment_shard": 2}
        path.write_text(name)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert toy.planned(copy, "segment") == {}
