import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lacuna.formats import checkpoints, images, tables
from lacuna.generators.loading import load_generator
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance
from lacuna.stages import train_generator
from lacuna.training import card, sheets
from lacuna.training.data import RealImages, to_training
from lacuna.training.gan_loop import GanTraining
from lacuna.training.losses import Logistic, Wasserstein, gradient_penalty, r1_penalty
from lacuna.training.schedule import Phase, Schedule

SETTINGS: dict[str, Any] = {
    "sizes": [4, 4, 4],
    "schedule": [{"size": 4, "images": 24, "fade": 0}, {"size": 8, "images": 40, "fade": 16}],
    "images": 64,
    "batch_size": 8,
    "precision": "float32",
    "learning_rate": 0.002,
    "betas": [0, 0.99],
    "loss": "logistic",
    "critic_steps": 1,
    "gradient_penalty": 10.0,
    "drift": 0.001,
    "r1": 1.0,
    "r1_interval": 4,
    "mapping_layers": 2,
    "mapping_rate": 0.5,
    "style_mixing": 0.5,
    "ema_half_life": 20,
    "checkpoint_interval": 16,
    "log_interval": 24,
    "sheet_interval": 32,
}
# Another family is another word, and what it asks of the settings.
WGAN: dict[str, Any] = {
    "family": "wgan", "loss": "wasserstein", "critic_steps": 2, "images": 96,
    "schedule": [{"size": 8, "images": 96, "fade": 0}],
}  # fmt: skip
Train = Callable[..., Path]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Thirty images of 8 pixels in two shards."""
    return _source(tmp_path / "scenes", 8)


@pytest.fixture
def train(tmp_path: Path, source: Path) -> Train:
    def run(
        name: str, code: str = "digest", count: int = 30, folder: Path = source, family: str = "progan", **settings: Any
    ) -> Path:
        out = tmp_path / name
        flags = {
            "family": family, "images": folder, "count": count, "shard-size": 20, "seed": 3, "device": "cpu",
            "settings": json.dumps(SETTINGS | settings), "threads": 1, "state": out / "state.pt", "code": code,
            "weights": out / "gan.safetensors", "card": out / "gan.md", "log": out / "gan.tsv",
            "sheets": out / "sheets",
        }  # fmt: skip
        train_generator.main([str(word) for name, value in flags.items() for word in (f"--{name}", value)])
        return out

    return run


def test_training_leaves_weights_card_log_sheets_and_a_snapshot(train: Train) -> None:
    out = train("a")
    generator = load_generator("progan", out / "gan.safetensors")
    assert generator(torch.zeros(1, 4)).shape == (1, 3, 8, 8)
    metadata = checkpoints.load_weights(out / "gan.safetensors")[1]
    expected = {"family": "progan", "sizes": [4, 4, 4], "size": 8, "z_dim": 4, "images": 64, "trained_on": "scenes"}
    assert {name: metadata[name] for name in expected} == expected
    rows = tables.read_tsv(out / "gan.tsv")
    assert [row["images"] for row in rows] == ["24", "48"]
    assert all(np.isfinite(float(row["loss_g"])) for row in rows)
    sheets = sorted(path.name for path in (out / "sheets").iterdir())
    assert sheets == [f"{images:08}.{kind}" for images in (32, 64) for kind in ("png", "safetensors")]
    assert checkpoints.load_weights(out / "sheets" / sheets[1])[1]["images"] == 32
    assert (out / "sheets" / sheets[3]).read_bytes() == (out / "gan.safetensors").read_bytes()
    text = (out / "gan.md").read_text()
    assert "| 4 | 24 |" in text
    assert "| 8 | 40 |" in text
    assert "python -m lacuna.stages.train_generator" in text
    load_generator("progan", out / "state.ema.safetensors")


def test_the_card_shows_the_last_row_and_only_columns_that_say_something() -> None:
    rows = [[16.0 * k, 0.5 / k, float("nan")] for k in range(1, 31)]
    lines = card.curve(["images", "loss_d", "penalty"], rows).splitlines()
    assert lines[:2] == ["| images | loss_d |", "| --- | --- |"] and lines[-1] == "| 480 | 0.01667 |"
    assert len(lines) - 2 == 15  # every second one of 30


def test_wgan_is_trained_by_the_same_stage(train: Train) -> None:
    out = train("a", **WGAN)
    generator = load_generator("wgan", out / "gan.safetensors")
    assert (generator.family, generator.size, generator.z_dim) == ("wgan", 8, 4)
    rows = tables.read_tsv(out / "gan.tsv")
    assert [row["images"] for row in rows] == ["32", "48", "80", "96"]
    assert all(float(row["penalty"]) > 0 for row in rows)
    for change in ({"loss": "logistic"}, {"schedule": SETTINGS["schedule"]}):
        with pytest.raises(ValueError, match="expected loss wasserstein and one size"):
            train("b", **WGAN | change)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "wasserstein"},
        {"precision": "bfloat16"},
        {"loss": "wasserstein", "precision": "bfloat16"},
        {"family": "stylegan"},
        WGAN,
        WGAN | {"precision": "bfloat16"},
    ],
    ids=["progan", "logistic_bfloat16", "progan_bfloat16", "stylegan", "wgan", "wgan_bfloat16"],
)
def test_interrupted_training_equals_the_unbroken_one(
    train: Train, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    whole = train("whole", **changes)
    step = GanTraining.step

    def step_then_signal(training: GanTraining, real: Any) -> dict[str, float]:
        numbers = step(training, real)
        if training.steps in (2, 5):  # within the first size, and within the fade of the second
            os.kill(os.getpid(), signal.SIGTERM)
        return numbers

    monkeypatch.setattr(GanTraining, "step", step_then_signal)
    for _ in range(2):
        with pytest.raises(command.Terminated):
            train("broken", **changes)
    broken = train("broken", **changes)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    _assert_equal(whole, broken)
    assert logged(broken) == logged(whole)


def logged(out: Path) -> list[dict[str, str]]:
    """Rows of the log without the rate, which is of the clock."""
    return [{k: v for k, v in row.items() if k != "images_per_s"} for row in tables.read_tsv(out / "gan.tsv")]


def test_killed_training_goes_on_from_its_last_state(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train("whole")
    step = GanTraining.step

    def die(training: GanTraining, real: Any) -> dict[str, float]:
        if training.images == 40:
            raise KeyboardInterrupt
        return step(training, real)

    monkeypatch.setattr(GanTraining, "step", die)
    with pytest.raises(KeyboardInterrupt):
        train("killed")
    monkeypatch.setattr(GanTraining, "step", step)
    assert torch.load(whole.parent / "killed" / "state.pt", weights_only=True)["state"]["training"]["images"] == 32
    shutil.rmtree(whole.parent / "killed" / "sheets", ignore_errors=True)  # as Snakemake does before it tries again
    killed = train("killed")
    _assert_equal(whole, killed)
    assert logged(killed) == logged(whole)  # the state after 32 images lies between the rows at 24 and 48
    for path in (whole / "sheets").iterdir():
        assert (killed / "sheets" / path.name).read_bytes() == path.read_bytes()


def test_more_images_continue_a_finished_training(train: Train, caplog: pytest.LogCaptureFixture) -> None:
    whole = train("whole", images=96)
    shutil.rmtree(train("longer") / "sheets")
    with caplog.at_level("INFO"):
        longer = train("longer", images=96, log_interval=48)
    assert "going on after 64 images" in caplog.text
    assert [path.stem for path in sorted((longer / "sheets").glob("*.png"))] == ["00000032", "00000064", "00000096"]
    weights, metadata = checkpoints.load_weights(longer / "gan.safetensors")
    assert metadata["images"] == 96
    for name, tensor in checkpoints.load_weights(whole / "gan.safetensors")[0].items():
        assert torch.equal(tensor, weights[name])
    assert not list((train("longer", code="other") / "sheets").glob("00000096.*"))  # begun anew, nothing is left over


@pytest.mark.parametrize("change", [{"code": "other"}, {"learning_rate": 0.001}, {"count": 20}])
def test_state_of_another_key_is_discarded(
    train: Train, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    train("a")
    train("a", **change)
    assert "starting anew" in caplog.text


def test_divergence_stops_and_keeps_the_last_state(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    step = GanTraining.step

    def poison(training: GanTraining, real: Any) -> dict[str, float]:
        if training.images == 40:
            next(training.task.generator.parameters()).data.fill_(float("nan"))
        return step(training, real)

    monkeypatch.setattr(GanTraining, "step", poison)
    line = "training of generator gan diverged: loss of the discriminator is nan at step 5, expected a finite number"
    with pytest.raises(ValueError, match=line):
        train("a")
    monkeypatch.setattr(GanTraining, "step", step)
    _assert_equal(train("whole"), train("a"))


def test_a_weight_that_is_not_finite_is_never_kept(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step before a state may spoil the weights while its loss was a number still."""
    step = GanTraining.step

    def spoil(training: GanTraining, real: Any) -> dict[str, float]:
        numbers = step(training, real)
        if training.images == 48:
            next(training.task.discriminator.parameters()).data.flatten()[0] = float("inf")
        return numbers

    monkeypatch.setattr(GanTraining, "step", spoil)
    with pytest.raises(ValueError, match="training of generator gan diverged: a weight is NaN or infinite at step 6"):
        train("a")
    monkeypatch.setattr(GanTraining, "step", step)
    _assert_equal(train("whole"), train("a"))


def test_discriminator_without_anything_to_learn_stops_the_training(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        GanTraining, "step", lambda self, real: (vars(self).update(images=self.images + 8), {"loss_d": 0.0})[1]
    )
    with pytest.raises(ValueError, match="nothing is learned any more"):
        train("a", images=160, log_interval=8, checkpoint_interval=1000, sheet_interval=1000)


def test_bad_sources_end_in_one_line(train: Train, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected at least a batch of 31"):
        train("a", batch_size=31)
    with pytest.raises(ValueError, match="images of 12 pixels, expected the generator's 8 or a multiple"):
        train("a", folder=_source(tmp_path / "odd", 12))
    mixed = _source(tmp_path / "mixed", 8)
    (mixed / "20-29.h5").write_bytes((tmp_path / "odd" / "20-29.h5").read_bytes())
    with pytest.raises(ValueError, match="expected one size"):
        train("a", folder=mixed)


def test_schedule_doubles_sizes_and_fades_each_in() -> None:
    schedule = Schedule(SETTINGS["schedule"], final_size=8)
    assert schedule.at(0) == Phase(4, 1.0, 4)
    assert schedule.at(24) == Phase(8, 0.0, 4)
    assert schedule.at(32) == Phase(8, 0.5, 4)
    assert schedule.at(40) == schedule.at(10_000) == Phase(8, 1.0, 8)
    assert schedule.shown(100) == {4: 24, 8: 76}
    with pytest.raises(ValueError, match="expected to double"):
        Schedule([{"size": 4, "images": 8, "fade": 0}], final_size=8)
    with pytest.raises(ValueError, match="a fade from 0 to its images"):
        Schedule([{"size": 8, "images": 8, "fade": 9}], final_size=8)


def test_every_real_image_is_shown_once_an_epoch(source: Path) -> None:
    with RealImages([source / "0-19.h5", source / "20-29.h5"], 30, 10, seed=1) as real:
        epochs = [[real.batch(shown) for shown in range(start, start + 30, 10)] for start in (0, 30)]
        again = real.batch(20)
    marks = [np.concatenate(batches)[:, 0, 0, 0].tolist() for batches in epochs]
    assert sorted(marks[0]) == sorted(marks[1]) == list(range(30))
    assert marks[0] != marks[1]
    assert np.array_equal(again, epochs[0][2])


def test_real_images_shrink_by_the_mean_of_boxes() -> None:
    image = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    small = to_training(image, 2, torch.device("cpu"))
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
    sheets.write(tmp_path / "sheet.png", tiles, side=8)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (16, 24, 3)
    assert sheet[::8, ::8, 0].tolist() == [[0, 1, 2], [3, 4, 255]]


def _source(folder: Path, size: int) -> Path:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (30, size, size, 3), dtype=np.uint8)
    pixels[:, 0, 0, 0] = np.arange(30)  # marks the image
    for first, last in ((0, 19), (20, 29)):
        rows = np.arange(first, last + 1)
        images.write(folder / f"{first}-{last}.h5", pixels[rows], rows, Provenance("render", "test"))
    return folder


def _assert_equal(one: Path, other: Path) -> None:
    for name in ("gan.safetensors", "state.ema.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    states = [torch.load(folder / "state.pt", weights_only=True)["state"]["training"] for folder in (one, other)]
    _assert_same(*states)


def _assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            _assert_same(one[name], other[name])
    elif isinstance(one, list | tuple):
        for pair in zip(one, other, strict=True):
            _assert_same(*pair)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other
