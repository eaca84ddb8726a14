"""The AC-GAN: its networks, its losses and its data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import training_cases
from training_cases import ACGAN

from lacuna.formats import checkpoints, images
from lacuna.formats.images import ImageShards
from lacuna.generators.acgan.discriminator import ClassDiscriminator, dropped
from lacuna.generators.acgan.model import ClassGenerator, calibrated, from_weights, with_class
from lacuna.generators.acgan.settings import SplitTraining
from lacuna.generators.acgan.training import AcganTask
from lacuna.generators.loading import load_generator
from lacuna.networks.pixels import to_bytes
from lacuna.runtime.provenance import Provenance
from lacuna.training.data import RealClasses, rows_of_classes
from lacuna.training.schedule import Phase

SETTINGS = SplitTraining.model_validate(ACGAN)
PHASE = Phase(16, 1.0, 16)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Forty noisy images of 32 pixels, in two shards, of classes 0 to 3."""
    return training_cases.noise_images(tmp_path / "scenes", 32, 40, 4)


def train(source: Path, out: Path, **settings: Any) -> Path:
    return training_cases.generator(source, out, "acgan", count=40, **ACGAN | settings)


def test_trained_weights_load_as_a_chain_that_knows_its_classes(source: Path, tmp_path: Path) -> None:
    out = train(source, tmp_path / "a")
    generator = load_generator("acgan", out / "net.safetensors")
    assert (generator.classes, generator.z_dim, generator.size) == ((3, 1), 5, 16)
    cz_ND = with_class(torch.randn(6, 5), torch.arange(6) % 2, 2)
    x_N3HW = generator(cz_ND)
    assert x_N3HW.shape == (6, 3, 16, 16) and x_N3HW.abs().max() <= 1
    torch.testing.assert_close(generator(cz_ND[2:3]), x_N3HW[2:3])  # no image depends on its batch
    assert checkpoints.load_weights(out / "net.safetensors")[1]["classes"] == [3, 1]
    assert "class_loss_real" in (out / "net.tsv").read_text().splitlines()[0]


def test_half_precision_moves_no_pixel_by_more_than_two_levels() -> None:
    torch.manual_seed(0)
    task = AcganTask(SETTINGS.model_copy(update={"sizes": [20, 32, 16, 8]}))
    for layer in task.generator.modules():
        if isinstance(layer, torch.nn.ConvTranspose2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight)
    cz_ND = with_class(torch.randn(50, 20), task.places(50), 2)
    stored = task.weights(task.generator, 32)
    assert all(tensor.dtype == torch.float16 for tensor in stored.values() if tensor.is_floating_point())
    network, weights = from_weights(stored)
    network.load_state_dict(weights)
    random = torch.Generator().manual_seed(0)
    exact = calibrated(task.generator, with_class(torch.randn(500, 20, generator=random), task.places(500), 2))
    one, other = (to_bytes(net.eval()(cz_ND).detach()).astype(int) for net in (network, exact))
    assert np.abs(one - other).max() <= 2 and np.ptp(one) > 100


def test_calibrated_norms_are_those_of_the_batch() -> None:
    torch.manual_seed(0)
    generator = ClassGenerator([5, 6, 4, 3], [0, 1])
    cz_ND = with_class(torch.randn(30, 5), torch.arange(30) % 2, 2)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    found = calibrated(generator, cz_ND)
    torch.testing.assert_close(found(cz_ND), generator.train()(cz_ND), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_losses_of_a_discriminator_that_knows_nothing_are_those_of_a_coin_and_a_die() -> None:
    task = AcganTask(SETTINGS.model_copy(update={"dropout": 0.0, "noise": 0.0}))
    for parameter in task.discriminator.heads.parameters():
        torch.nn.init.zeros_(parameter)
    x_N3HW = torch.randn(8, 3, 16, 16)
    loss, numbers = task.discriminator_loss(x_N3HW, -x_N3HW, PHASE, 0)
    coin, die = np.log(2), np.log(len(SETTINGS.classes))
    assert loss.item() == pytest.approx(2 * coin + 2 * die, rel=1e-5)
    assert numbers["class_loss_generated"].item() == pytest.approx(die, rel=1e-5)
    assert task.generator_loss(x_N3HW, PHASE).item() == pytest.approx(coin + die, rel=1e-5)


def test_dropout_keeps_the_share_and_the_mean() -> None:
    torch.manual_seed(0)
    x_NCHW = torch.ones(20, 8, 16, 16).contiguous(memory_format=torch.channels_last)
    out = dropped(x_NCHW, 0.25)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (out == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)  # 40960 draws: 5 standard deviations
    assert dropped(x_NCHW, 0.0) is x_NCHW


@pytest.mark.parametrize("size", [32, 64, 128])
def test_every_size_of_the_paper_can_be_built(size: int) -> None:
    sizes = [10, 8, 8, 8, 8, 8][: size.bit_length() - 2]
    generator = ClassGenerator(sizes, range(10))
    x_N3HW = generator(with_class(torch.randn(2, 10), torch.tensor([0, 9]), 10))
    assert x_N3HW.shape == (2, 3, size, size)
    source_N, class_NK = ClassDiscriminator(size, [2] * 6, 10, 0.5, 0.1)(x_N3HW)
    assert (source_N.shape, class_NK.shape) == ((2,), (2, 10))


def test_places_of_a_batch_are_classes_in_turn_and_every_image_is_shown_once_an_epoch(source: Path) -> None:
    paths = [source / "0-19.h5", source / "20-39.h5"]
    with RealClasses(paths, 40, 4, 1, [3, 1]) as real, ImageShards(paths) as shards:
        rows = [real._row(place) for place in range(40)]
        labels = shards.read("label", np.array(rows))
    assert labels.tolist() == [3, 1] * 20
    assert sorted(rows[:20:2]) == sorted(rows[20::2]) == list(range(3, 40, 4))
    assert rows[:20] != rows[20:]


def test_bad_sources_and_batches_end_in_one_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"0 images of class 4 .*expected at least 2"):
        train(source, tmp_path, classes=[3, 4])
    with pytest.raises(ValueError, match="batch_size 9, expected a multiple of the 2 classes"):
        train(source, tmp_path, batch_size=9)
    with ImageShards([source / "0-19.h5"]) as shards, pytest.raises(ValueError, match="1 images of class 0"):
        rows_of_classes(shards, 1, [0], "here")
    images.write(tmp_path / "plain.h5", np.zeros((3, 8, 8, 3), np.uint8), np.arange(3), Provenance("render", "test"))
    with ImageShards([tmp_path / "plain.h5"]) as shards, pytest.raises(ValueError, match="no labels"):
        rows_of_classes(shards, 3, [0], "here")


def test_weights_of_another_family_are_refused() -> None:
    with pytest.raises(ValueError, match="expected those of an AC-GAN"):
        from_weights({"layer1.conv.weight": torch.zeros(2, 2, 4, 4)})
