"""Inversion by a generator that brings its encoder: no part of one is trained, nothing is drawn from a prior."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from autoencoder_files import SIZE, save, tiny
from inversion_case import INVERSION, save_generator
from PIL import Image

from lacuna.config import entries, networks, references, targets
from lacuna.errors import UserError
from lacuna.formats import checkpoints, images, inversions
from lacuna.formats.images import ImageShards
from lacuna.generators.autoencoder.layers import latents
from lacuna.networks.pixels import from_bytes, to_bytes
from lacuna.runtime.provenance import Provenance
from lacuna.stages import evaluate, invert, sample

LAYER = {"layer": 3, "residual_layers": [3]}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """An autoencoder and four photos of its size."""
    folder = tmp_path_factory.mktemp("case")
    save(folder / "autoencoder")
    pixels = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    images.write(folder / "photos.h5", pixels, np.arange(4), Provenance("render", "test"))
    return folder


def inverted(case, out, method, **changed):
    out.mkdir(exist_ok=True)
    values = {
        "method": method, "family": "autoencoder", "checkpoint": case / "autoencoder", "images": case / "photos.h5",
        "first": 0, "last": 3, "settings": json.dumps(INVERSION | LAYER | {"steps": 8}), "seed": 1, "device": "cpu",
        "threads": 1, "state": out / "state.pt", "shard": out / "0-3.h5", "code": "test",
    }  # fmt: skip
    invert.main([text for name, value in (values | changed).items() for text in (f"--{name}", str(value))])
    return inversions.read(out / "0-3.h5")


def drawn_again(case, shard, **changed):
    values = {
        "family": "autoencoder", "checkpoint": case / "autoencoder", "seed": 1, "first": 0, "last": 3,
        "batch_size": 3, "images": case / "photos.h5", "device": "cpu", "shard": shard, "code": "test",
    }  # fmt: skip
    words = (values | changed).items()
    sample.main([text for name, value in words for text in (f"--{name.replace('_', '-')}", str(value))])
    return shard


def test_direct_is_the_librarys_encode_and_decode(case, tmp_path):
    found, model = inverted(case, tmp_path, "direct"), tiny("AutoencoderKL")
    with torch.no_grad():
        z_NCHW = latents(model, from_bytes(found.x))
        x_hat_N3HW = model.decode(z_NCHW).sample
    np.testing.assert_allclose(found.z, z_NCHW.flatten(1).numpy(), rtol=1e-4, atol=1e-5)
    assert np.abs(found.x_hat.astype(int) - to_bytes(x_hat_N3HW)).max() <= 1
    assert found.steps.tolist() == [0] and found.converged.all()


@pytest.mark.parametrize(("method", "moved"), [("direct_z", []), ("layered_r", [3])])
def test_a_search_starts_at_the_encoder_and_comes_nearer(case, tmp_path, method, moved):
    found, start = inverted(case, tmp_path / "a", method), inverted(case, tmp_path / "b", "direct")
    assert np.array_equal(found.z0, start.z)
    assert list(found.residuals) == moved
    total_NS = found.loss[:, :, list(found.terms).index("pixel")]
    assert (total_NS[:, -1] < total_NS[:, 0]).all()


def test_samples_are_real_images_drawn_again_and_their_latents_are_the_truth(case, tmp_path):
    with ImageShards([drawn_again(case, tmp_path / "0-3.h5")]) as shards, ImageShards([case / "photos.h5"]) as photos:
        z_ND, drawn = shards.read("z", slice(0, 4)), shards.read("images", slice(0, 4))
        model = tiny("AutoencoderKL")
        with torch.no_grad():
            z_NCHW = latents(model, from_bytes(photos.read("images", slice(0, 4))))
            np.testing.assert_allclose(z_ND, z_NCHW.flatten(1).numpy(), rtol=1e-4, atol=1e-5)
            assert np.abs(drawn.astype(int) - to_bytes(model.decode(z_NCHW).sample)).max() <= 1
    weights = sorted(str(path) for path in (case / "autoencoder").iterdir())
    truth_ND = evaluate.true_latents([str(tmp_path / "0-3.h5")], weights, np.arange(4), z_ND.shape[1])
    assert np.array_equal(truth_ND, z_ND)
    other = str(save(tmp_path / "other", seed=1) / "diffusion_pytorch_model.safetensors")
    assert evaluate.true_latents([str(tmp_path / "0-3.h5")], [weights[0], other], np.arange(4), z_ND.shape[1]) is None


def test_latents_of_a_user_go_round_photos_that_cannot_be_read(case, tmp_path, caplog):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        Image.new("RGB", (40, 50), (60 * number, 90, 200)).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "1.png").write_bytes(b"no image")
    with ImageShards([drawn_again(case, tmp_path / "0-3.h5", images=tmp_path / "photos")]) as shards:
        assert shards.index.tolist() == [0, 2, 3]
        assert [(row.index, row.name) for row in shards.skipped] == [(1, "1.png")]


def test_photos_of_another_size_are_one_line(case, tmp_path):
    pixels = np.zeros((4, 48, 48, 3), dtype=np.uint8)
    images.write(tmp_path / "large.h5", pixels, np.arange(4), Provenance("render", "test"))
    with pytest.raises(UserError, match="images of 48 pixels, expected the generator's 32"):
        inverted(case, tmp_path, "direct", images=tmp_path / "large.h5")
    with pytest.raises(UserError, match="images of 48 pixels, expected the generator's 32"):
        drawn_again(case, tmp_path / "out.h5", images=tmp_path / "large.h5")


def test_true_latents_of_another_size_are_one_line(case, tmp_path):
    drawn_again(case, tmp_path / "0-3.h5")
    weights = sorted(str(path) for path in (case / "autoencoder").iterdir())
    with pytest.raises(UserError, match="z of 256 numbers, expected the generator's 576; run sample again"):
        evaluate.true_latents([str(tmp_path / "0-3.h5")], weights, np.arange(4), 576)


def test_half_precision_on_a_cpu_is_one_line(case, tmp_path):
    with pytest.raises(UserError, match="precision: found 'float16', expected one of: auto, float32, tf32, bfloat16"):
        inverted(case, tmp_path, "direct", settings=json.dumps(INVERSION | LAYER | {"precision": "float16"}))


def test_only_a_generator_with_an_encoder_draws_images_again(case, tmp_path):
    with pytest.raises(UserError, match="no encoder, expected one for images to be drawn again"):
        drawn_again(
            case, tmp_path / "out.h5", family="progan", checkpoint=save_generator(tmp_path / "g.safetensors"),
            images=_small(tmp_path),
        )  # fmt: skip


def _small(folder: Path) -> Path:
    pixels = np.zeros((4, 16, 16, 3), dtype=np.uint8)
    images.write(folder / "small.h5", pixels, np.arange(4), Provenance("render", "test"))
    return folder / "small.h5"


def configured(**sources):
    return toy.configuration(
        sources={
            "photos": {"kind": "world", "count": 8},
            "others": {"kind": "world", "count": 4, "seed": 2},
            "redrawn": {"kind": "generator", "generator": "vae", "latents_of": "others", "count": 4},
            **sources,
        },
        segmenters={"net": {"family": "upernet", "checkpoint": "net.safetensors"}},
        perceptual={"net": {"family": "upernet", "checkpoint": "net.safetensors"}},
        generators={
            "vae": {"family": "autoencoder", "trained_on": "photos", "validated_on": "others",
                    "train": {"perceptual": "net"}},
            "gan": {"family": "progan", "checkpoint": "gan.safetensors"},
        },
        inversions=[
            {"generator": "vae", "source": name, "count": 4, "methods": ["direct", "direct_z"], "segmenter": "net"}
            for name in ("photos", "redrawn")
        ],
    )  # fmt: skip


def test_no_part_of_an_encoder_is_trained_and_the_source_of_latents_is_rendered():
    files = targets.stage_files(configured())
    assert files["train_encoder"] == [] and files["train_generator"] == [] and files["follow"] == []
    assert files["train_autoencoder"] == ["results/train_autoencoder/vae.safetensors"]
    assert "results/render/others/0-3.h5" in files["render"]
    assert files["sample"] == ["results/sample/redrawn/0-3.h5"]
    assert networks.encoder_weights(configured(), "vae", "direct_z") is None


def test_what_is_looked_at_stays_within_what_the_decoder_draws():
    config = configured()
    photos = config.inversions[0].model_copy(update={"methods": ["direct_z", "layered_r"]})
    assert entries.omission_method(config, photos) == "direct_z"
    assert entries.omission_method(config, photos.model_copy(update={"methods": ["z", "direct"]})) == "direct"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            {"generator": "vae"},
            "sources.bad: key 'latents_of' is missing, expected a source whose images vae draws",
        ),
        ({"generator": "gan", "latents_of": "others"}, "found 'others', gan has no encoder of its own; take it away"),
        ({"generator": "vae", "latents_of": "absent"}, "latents_of: found 'absent', expected one of sources"),
        ({"generator": "vae", "latents_of": "redrawn"}, "found 'redrawn', expected a source of real images"),
        ({"generator": "vae", "latents_of": "others", "count": 9}, "found 9, expected at most the 4 images of others"),
    ],
)
def test_latents_need_a_source_of_real_images_and_an_encoder(source, line):
    config = configured(bad={"kind": "generator", "count": 4} | source)
    assert any(line in found for found in references.problems(config))


def test_nothing_is_wrong_with_the_configuration_of_these_tests():
    assert list(references.problems(configured())) == []


def test_a_perceptual_network_of_a_training_that_is_not_there_is_one_line():
    generators = configured().given()["generators"]
    generators["vae"]["train"]["perceptual"] = "absent"
    config = type(configured()).model_validate(configured().given() | {"generators": generators})
    assert any("train.perceptual: found 'absent', expected one of perceptual: net" in line
               for line in references.problems(config))  # fmt: skip


def test_weights_of_a_training_are_read_by_their_metadata(tmp_path):
    model = tiny("AutoencoderKL")
    config = {key: value for key, value in model.config.items() if not key.startswith("_")}
    path = tmp_path / "mine.safetensors"
    checkpoints.save_weights(path, model.state_dict(), {"class": "AutoencoderKL", "config": config})
    pixels = np.zeros((4, SIZE, SIZE, 3), dtype=np.uint8)
    images.write(tmp_path / "photos.h5", pixels, np.arange(4), Provenance("render", "test"))
    (tmp_path / "out").mkdir()
    found = inverted(tmp_path, tmp_path / "out", "direct", checkpoint=path)
    assert found.z.shape == (4, 256)
