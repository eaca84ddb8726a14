"""A training is followed by its snapshots: nearer ones are nearer, and the curve ends where the comparison is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inversion_case import tiny_generator
from segmenter_case import save_scenes, save_segmenter

from lacuna.areas.moments import of_rows
from lacuna.config.configuration import check_config
from lacuna.config.targets import segment_settings
from lacuna.data.latents import latents
from lacuna.data.preparation import Preparation
from lacuna.formats import checkpoints, tables
from lacuna.runtime.batches import BatchSize
from lacuna.stages import follow, fsd, moments, sample, segment


class Dim(torch.nn.Module):
    """Half of the images black, the other half as bright as `level` says."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(level))
        self.z_dim, self.size = 2, 16

    def forward(self, z_ND: torch.Tensor) -> torch.Tensor:
        return torch.where(z_ND[:, :1, None, None] > 0, self.level, -1.0).expand(-1, 3, self.size, self.size)


class Bright:
    """A segmenter of two classes: dark and bright pixels."""

    def __init__(self) -> None:
        self.classes = {"object": ["-", "bright"]}

    def label_maps(self, images_NHW3: np.ndarray, heads: tuple[str, ...]) -> dict[str, torch.Tensor]:
        assert images_NHW3.shape[1:] == (32, 32, 3)
        return {"object": torch.from_numpy((images_NHW3[..., 0] > 127).astype(np.int64))}


@pytest.fixture
def judge() -> follow.Judge:
    real = np.zeros((100, 2))
    real[::2, 0] = real[1::2, 1] = 100.0
    segmenter = Bright()
    return follow.Judge(of_rows(real), "object", segmenter, Preparation(32))


def test_areas_of_a_snapshot_are_those_of_its_images_at_the_segmenters_size(judge: follow.Judge) -> None:
    z = latents(1, 0, 59, 2)
    areas = follow.segmented(Dim(1.0), judge, z, BatchSize(50))
    assert areas.tolist() == [[0.0, 100.0] if row[0] > 0 else [100.0, 0.0] for row in z]


COUNT, SEED = 24, 7
FSD = {"category": "object", "presence_percent": 0.2, "resamples": 2, "permutations": 19, "confidence": 0.95,
       "omitted_below": 0.2, "changed_by": 0.1, "q_below": 0.05}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes, a segmenter, and two snapshots of a training, the later of which is the generator."""
    folder = tmp_path_factory.mktemp("trained")
    save_scenes(folder / "scenes.h5", COUNT)
    save_segmenter(folder / "net.safetensors")
    about = {"family": "progan"}
    for images, seed in ((32, 1), (64, 0)):
        weights = tiny_generator(seed).state_dict()
        checkpoints.save_weights(folder / f"snapshots/{images:08}.safetensors", weights, about | {"images": images})
    (folder / "card.md").write_text("# A generator\n")
    return folder


def measured(folder: Path, out: Path, name: str, images: str, settings: dict[str, Any]) -> None:
    """Table and moments of one source, as the workflow makes them."""
    segment.main([
        "--family", "upernet", "--checkpoint", str(folder / "net.safetensors"), "--images", images, "--first", "0",
        "--last", str(COUNT - 1), "--settings", json.dumps(settings), "--batch-size", "5", "--device", "cpu",
        "--threads", "1", "--table", str(out / f"{name}/0-{COUNT - 1}.h5"),
        "--regions", str(out / "r.h5"), "--kept", "{}", "--seed", "1", "--code", "c",
    ])  # fmt: skip
    moments.main([
        "--tables", str(out / name), "--count", str(COUNT), "--shard-size", str(COUNT), "--moments",
        str(out / f"{name}.h5"), "--code", "c",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("source", "segment_section", "category"),
    [
        ({}, {}, "object"),
        ({"jpeg_quality": 20}, {}, "object"),
        ({"size": 8}, {}, "object"),
        ({"size": 8, "jpeg_quality": 20}, {"size": 64}, "object"),
        ({}, {"precision": "bfloat16"}, "object"),
        ({}, {"heads": ["object", "part", "material"]}, "part"),
        ({"jpeg_quality": 20}, {"heads": ["material", "object"]}, "material"),
    ],
    ids=["plain", "jpeg", "size", "all_of_them", "bfloat16", "parts", "materials"],
)
def test_the_curve_ends_at_the_distance_of_the_comparison(
    trained: Path, tmp_path: Path, source: dict[str, Any], segment_section: dict[str, Any], category: str
) -> None:
    config = check_config({
        "seed": 1,
        "report": "test",
        "segment": segment_section,
        "sources": {
            "real": {"kind": "world", "count": COUNT, "size": 32},
            "gan": {"kind": "generator", "generator": "gan", "count": COUNT, "seed": SEED} | source,
        },
        "segmenters": {"net": {"family": "upernet", "trained_on": "real", "validated_on": "real"}},
        "generators": {"gan": {"family": "progan", "trained_on": "real"}},
        "comparisons": [{"real": "real", "generated": "gan", "segmenter": "net"}],
    })  # fmt: skip
    weights = str(trained / "snapshots/00000064.safetensors")
    sample.main([
        "--family", "progan", "--checkpoint", weights, "--seed", str(SEED), "--first", "0", "--last", str(COUNT - 1),
        "--batch-size", "9", "--device", "cpu", "--threads", "1", "--shard", str(tmp_path / "gan.images.h5"),
        "--code", "c",
    ])  # fmt: skip
    for name, images in (("real", trained / "scenes.h5"), ("gan", tmp_path / "gan.images.h5")):
        measured(trained, tmp_path, name, str(images), segment_settings(config, "net", name))
    sides = [
        word for side, name in (("real", "real"), ("generated", "gan"))
        for word in (f"--{side}-moments", str(tmp_path / f"{name}.h5"), f"--{side}-tables", str(tmp_path / name),
                     f"--{side}-count", str(COUNT))
    ]  # fmt: skip
    fsd.main([
        *sides, "--shard-size", str(COUNT), "--settings", json.dumps(FSD | {"category": category}), "--seed", "1",
        "--code", "c", "--summary", str(tmp_path / "fsd.json"), "--tsv", str(tmp_path / "fsd.tsv"),
    ])  # fmt: skip
    follow.main([
        "--family", "progan", "--snapshots", str(trained / "snapshots"), "--generator-settings", "{}", "--moments",
        str(tmp_path / "real.h5"), "--segmenter-family", "upernet", "--segmenter", str(trained / "net.safetensors"),
        "--settings", json.dumps(segment_settings(config, "net", "gan")), "--category", category, "--count", str(COUNT),
        "--batch-size", "7", "--seed", str(SEED), "--device", "cpu", "--threads", "1", "--card",
        str(trained / "card.md"), "--code", "c", "--tsv", str(tmp_path / "curve.tsv"), "--with-curve",
        str(tmp_path / "card.md"),
    ])  # fmt: skip
    comparison, curve = tables.read_json(tmp_path / "fsd.json"), tables.read_tsv(tmp_path / "curve.tsv")
    assert [row["images"] for row in curve] == ["32", "64"]
    for name in ("fsd", "mean_term", "covariance_term"):
        # The same whole numbers of pixels on both sides, summed in another order.
        assert float(curve[-1][name]) == pytest.approx(comparison[name], rel=1e-9, abs=1e-9)
    assert comparison["fsd"] > 0.1 and curve[0]["fsd"] != curve[-1]["fsd"]


def test_the_card_gets_the_curve() -> None:
    text = follow.curve([(5000, 8, 120.5, 100.0, 20.5, 40, 20), (60000, 32, 12.25, 10.0, 2.25, 40, 20)])
    assert "40 real against 20 generated" in text
    assert "| 5,000 | 8 | 120.50 | 100.00 | 20.50 |" in text and "| 60,000 | 32 | 12.25 |" in text


def test_a_training_without_snapshots_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no snapshots, expected weights beside the sheets"):
        follow.snapshots(tmp_path)
