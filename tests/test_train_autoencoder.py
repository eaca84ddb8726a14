"""The autoencoder's training: losses in closed form, the stage at toy size. test_training_loop.py breaks it off."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import training_cases
from autoencoder_files import tiny
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from training_cases import AUTOENCODER

from lacuna.errors import UserError
from lacuna.formats import images
from lacuna.formats.tables import read_tsv
from lacuna.generators.autoencoder.training import PatchDiscriminator, build, divergence
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.networks.pixels import from_bytes, to_bytes
from lacuna.runtime.provenance import Provenance


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_cases.scenes(tmp_path_factory.mktemp("some scenes"))


@pytest.fixture(scope="module")
def perceptual(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The perceptual network: the backbone of a segmenter of a few steps."""
    path = training_cases.segmenter(scenes, tmp_path_factory.mktemp("segmenter")) / "net.safetensors"
    return {"perceptual_family": "upernet", "perceptual_checkpoint": path}


@pytest.fixture(scope="module")
def trained(scenes: Path, perceptual: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a toy training with everything that can play."""
    out = tmp_path_factory.mktemp("trained")
    return training_cases.autoencoder(scenes, out, told=perceptual) / "net.safetensors"


def test_a_posterior_that_is_a_standard_normal_diverges_by_nothing():
    assert divergence(DiagonalGaussianDistribution(torch.zeros(2, 8, 4, 4))) == 0


def test_the_divergence_is_that_of_the_closed_form():
    mean, log_variance = torch.full((1, 4, 2, 2), 3.0), torch.full((1, 4, 2, 2), 1.0)
    found = divergence(DiagonalGaussianDistribution(torch.cat([mean, log_variance], dim=1)))
    normal, standard = torch.distributions.Normal(3.0, np.exp(0.5)), torch.distributions.Normal(0.0, 1.0)
    torch.testing.assert_close(found, torch.distributions.kl_divergence(normal, standard))


def test_patches_are_scored_image_by_image():
    discriminator, x = PatchDiscriminator(4), torch.rand(3, 3, 32, 32)
    scores_NP = discriminator(x)
    assert scores_NP.shape == (3, 64)
    torch.testing.assert_close(discriminator(x[1:2]), scores_NP[1:2])


@pytest.mark.parametrize(("size", "widths"), [(30, [8, 8, 8]), (32, [8, 6])])
def test_sides_and_widths_that_do_not_divide_are_one_line(size, widths):
    with pytest.raises(
        UserError, match=r"architecture: widths \[8, .*\] in 4 groups for images of 3. pixels, expected"
    ):
        build(AUTOENCODER["architecture"] | {"widths": widths}, size)


def test_weights_are_a_generator_with_an_encoder(trained, scenes):
    generator, encoder = (load("autoencoder", trained) for load in (load_generator, load_own_encoder))
    assert (generator.size, generator.z_dim) == (32, 8 * 8 * 2)
    with images.ImageShards([scenes / "0-15.h5"]) as shards:
        x_N3HW = from_bytes(shards.read("images", slice(0, 4)))
    with torch.no_grad():
        assert to_bytes(generator(encoder(x_N3HW))).shape == (4, 32, 32, 3)


def test_the_log_has_every_term_from_when_it_plays_and_errors_fall(trained):
    rows = [{name: float(value) for name, value in row.items()} for row in read_tsv(trained.with_suffix(".tsv"))]
    assert [row["images"] for row in rows] == [16, 32, 48, 64]
    assert np.isnan(rows[0]["loss_d"]) and np.isfinite([row["loss_d"] for row in rows[1:]]).all()
    assert rows[-1]["held_out_pixel"] < rows[0]["held_out_pixel"]
    assert rows[-1]["held_out_perceptual"] < rows[0]["held_out_perceptual"]


def test_the_card_says_what_was_trained_on_what(trained):
    card = trained.with_suffix(".md").read_text()
    assert "# Autoencoder: AutoencoderKL" in card and "latents of 8 x 8 in 2 channels" in card
    assert "the first 24 images" in card and "(64 images seen)" in card and "Errors of 16 held-out images" in card


def test_without_a_perceptual_network_pixels_alone_are_compared(scenes, tmp_path):
    quiet = AUTOENCODER["adversary"] | {"weight": 0.0}
    rows = read_tsv(training_cases.autoencoder(scenes, tmp_path, images=16, adversary=quiet) / "net.tsv")
    assert list(rows[0]) == ["images", "seconds", "pixel", "kl", "held_out_pixel"]


def test_held_out_images_of_another_size_are_one_line(scenes, tmp_path):
    pixels = np.zeros((16, 16, 16, 3), dtype=np.uint8)
    (tmp_path / "held").mkdir()
    images.write(tmp_path / "held" / "0-15.h5", pixels, np.arange(16), Provenance("render", "test"))
    with pytest.raises(UserError, match="images of 16 pixels, expected the training's 32; render both at one size"):
        training_cases.autoencoder(scenes, tmp_path, told={"validation_images": tmp_path / "held"})


def test_what_it_builds_is_what_the_library_builds():
    model = build({"widths": [8, 8, 16], "layers": 1, "latent_channels": 4, "groups": 4}, 32)
    expected = tiny("AutoencoderKL").state_dict()
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in expected.items()
    }
