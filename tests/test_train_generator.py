import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import training_cases
from PIL import Image
from training_cases import GAN, WGAN, noise_images

from lacuna.formats import checkpoints, tables
from lacuna.generators.loading import load_generator
from lacuna.training import card
from lacuna.training.data import RealImages, to_training
from lacuna.training.gan import GanTraining, write_sheet
from lacuna.training.losses import Logistic, Wasserstein, gradient_penalty, r1_penalty
from lacuna.training.schedule import Phase, Schedule
from lacuna.training.settings import Stage

Train = Callable[..., Path]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Thirty images of 8 pixels in two shards."""
    return noise_images(tmp_path / "scenes")


@pytest.fixture
def train(tmp_path: Path, source: Path) -> Train:
    def run(name: str, folder: Path = source, **changes: Any) -> Path:
        return training_cases.generator(folder, tmp_path / name, **GAN | changes)

    return run


def test_training_leaves_weights_card_log_sheets_and_a_snapshot(train: Train) -> None:
    out = train("a")
    generator = load_generator("progan", out / "net.safetensors")
    assert generator(torch.zeros(1, 4)).shape == (1, 3, 8, 8)
    metadata = checkpoints.load_weights(out / "net.safetensors")[1]
    expected = {"family": "progan", "sizes": [4, 4, 4], "size": 8, "z_dim": 4, "images": 64, "trained_on": "scenes"}
    assert {name: metadata[name] for name in expected} == expected
    rows = tables.read_tsv(out / "net.tsv")
    assert [row["images"] for row in rows] == ["24", "48"]
    assert all(np.isfinite(float(row["loss_g"])) for row in rows)
    sheets = sorted(path.name for path in (out / "sheets").iterdir())
    assert sheets == [f"{images:08}.{kind}" for images in (32, 64) for kind in ("png", "safetensors")]
    assert checkpoints.load_weights(out / "sheets" / sheets[1])[1]["images"] == 32
    assert (out / "sheets" / sheets[3]).read_bytes() == (out / "net.safetensors").read_bytes()
    text = (out / "net.md").read_text()
    assert "| 4 | 24 |" in text
    assert "| 8 | 40 |" in text
    assert "python -m lacuna.stages.train_generator" in text


def test_the_card_shows_the_last_row_and_only_columns_that_say_something() -> None:
    rows = [{"images": 16.0 * k, "loss_d": 0.5 / k, "penalty": float("nan")} for k in range(1, 31)]
    lines = card.curve(rows)
    assert lines[:2] == ["| images | loss_d |", "| --- | --- |"] and lines[-1] == "| 480 | 0.01667 |"
    assert len(lines) - 2 == 15  # every second one of 30


def test_wgan_is_trained_by_the_same_stage(train: Train) -> None:
    out = train("a", family="wgan", **WGAN)
    generator = load_generator("wgan", out / "net.safetensors")
    assert (generator.family, generator.size, generator.z_dim) == ("wgan", 8, 4)
    rows = tables.read_tsv(out / "net.tsv")
    assert [row["images"] for row in rows] == ["32", "48", "80", "96"]
    assert all(float(row["penalty"]) > 0 for row in rows)
    for change in ({"loss": "logistic"}, {"schedule": GAN["schedule"]}):
        with pytest.raises(ValueError, match="expected loss wasserstein and one size"):
            train("b", family="wgan", **WGAN | change)


def test_more_images_continue_a_finished_training(train: Train, caplog: pytest.LogCaptureFixture) -> None:
    whole = train("whole", images=96)
    shutil.rmtree(train("longer") / "sheets")
    with caplog.at_level("INFO"):
        longer = train("longer", images=96, log_interval=48)
    assert "going on after 64 images" in caplog.text
    assert [path.stem for path in sorted((longer / "sheets").glob("*.png"))] == ["00000032", "00000064", "00000096"]
    weights, metadata = checkpoints.load_weights(longer / "net.safetensors")
    assert metadata["images"] == 96
    for name, tensor in checkpoints.load_weights(whole / "net.safetensors")[0].items():
        assert torch.equal(tensor, weights[name])
    anew = train("longer", code="other")
    assert not list((anew / "sheets").glob("00000096.*"))  # nothing is left over


def test_discriminator_without_anything_to_learn_stops_the_training(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GanTraining, "step", lambda *words: {"loss_d": torch.zeros(())})
    with pytest.raises(ValueError, match="nothing is learned any more"):
        train("a", images=160, log_interval=8, sheet_interval=1000)


def test_bad_sources_end_in_one_line(train: Train, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected at least a batch of 31"):
        train("a", batch_size=31)
    with pytest.raises(ValueError, match="images of 12 pixels, expected the generator's 8 or a multiple"):
        train("a", folder=noise_images(tmp_path / "odd", 12))
    mixed = noise_images(tmp_path / "mixed")
    (mixed / "20-29.h5").write_bytes((tmp_path / "odd" / "20-29.h5").read_bytes())
    with pytest.raises(ValueError, match="expected one size"):
        train("a", folder=mixed)


def test_schedule_doubles_sizes_and_fades_each_in() -> None:
    schedule = Schedule([Stage(size=4, images=24, fade=0), Stage(size=8, images=40, fade=16)], final_size=8)
    assert schedule.at(0) == Phase(4, 1.0, 4)
    assert schedule.at(24) == Phase(8, 0.0, 4)
    assert schedule.at(32) == Phase(8, 0.5, 4)
    assert schedule.at(40) == schedule.at(10_000) == Phase(8, 1.0, 8)
    assert schedule.shown(100) == {4: 24, 8: 76}
    with pytest.raises(ValueError, match="expected to double"):
        Schedule([Stage(size=4, images=8, fade=0)], final_size=8)
    with pytest.raises(ValueError, match="a fade from 0 to its images"):
        Schedule([Stage(size=8, images=8, fade=9)], final_size=8)


def test_every_real_image_is_shown_once_an_epoch(source: Path) -> None:
    with RealImages([source / "0-19.h5", source / "20-29.h5"], 30, 10, seed=1) as real:
        epochs = [[real.batch(shown, 10, 8) for shown in range(start, start + 30, 10)] for start in (0, 30)]
        again, longer = real.batch(20, 10, 8), real.batch(10, 20, 8)
    marks = [((torch.cat(batches)[:, 0, 0, 0] + 1) * 127.5).round().int().tolist() for batches in epochs]
    assert sorted(marks[0]) == sorted(marks[1]) == list(range(30))
    assert marks[0] != marks[1]
    assert torch.equal(again, epochs[0][2]) and torch.equal(longer, torch.cat(epochs[0][1:]))


def test_real_images_shrink_by_the_mean_of_boxes() -> None:
    image = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    small = to_training(image, 2)
    expected = image.reshape(2, 2, 2, 2, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(small.numpy(), expected, atol=1e-6)


def test_r1_of_a_linear_score_is_half_the_squared_length_of_its_weights() -> None:
    weight = torch.randn(3, 4, 4)
    penalty = r1_penalty(lambda x: (x * weight).sum((1, 2, 3)), torch.randn(5, 3, 4, 4))
    torch.testing.assert_close(penalty, weight.square().sum() / 2)


def test_gradient_penalty_of_a_linear_score_is_how_far_its_weights_are_from_length_1() -> None:
    weight, random = torch.randn(3, 4, 4), torch.Generator().manual_seed(0)
    real, generated = torch.rand(2, 5, 3, 4, 4, generator=random)
    penalty = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), real, generated, seed=1)
    torch.testing.assert_close(penalty, (weight.norm() - 1).square())


def test_gradient_penalty_is_taken_between_real_and_generated_images() -> None:
    def scores(x: torch.Tensor) -> torch.Tensor:
        assert x.min() > 0 and x.max() < 1 and len(x[:, 0, 0, 0].unique()) == 5  # a place of its own for each pair
        return x.sum((1, 2, 3))

    gradient_penalty(scores, torch.zeros(5, 3, 4, 4), torch.ones(5, 3, 4, 4), seed=1)


def test_losses_have_their_published_values() -> None:
    def scores(x: torch.Tensor) -> torch.Tensor:
        return x.mean((1, 2, 3))

    real, generated = torch.full((2, 3, 4, 4), 2.0), torch.full((2, 3, 4, 4), -1.0)
    length = 48 * (1 / 48) ** 2  # squared length of the gradient of a mean over 48 numbers
    loss, _ = Wasserstein(penalty=10, drift=0.5).discriminator(scores, real, generated, step=1)
    torch.testing.assert_close(loss.item(), -1 - 2 + 10 * (length**0.5 - 1) ** 2 + 0.5 * 2**2)
    loss, _ = Logistic(r1=6, interval=2, final_size=8).discriminator(scores, real, generated, step=2)
    logistic = np.log1p(np.exp(-2)) + np.log1p(np.exp(-1))
    torch.testing.assert_close(loss.item(), float(logistic + 6 * (4 / 8) ** 2 * 2 * length / 2))
    loss, numbers = Logistic(r1=6, interval=2, final_size=8).discriminator(scores, real, generated, step=3)
    assert "penalty" not in numbers
    torch.testing.assert_close(loss.item(), float(logistic))


def test_sheet_holds_every_image_in_rows(tmp_path: Path) -> None:
    tiles = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    write_sheet(tmp_path / "sheet.png", tiles, side=8)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (16, 24, 3)
    assert sheet[::8, ::8, 0].tolist() == [[0, 1, 2], [3, 4, 255]]
