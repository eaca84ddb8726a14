import json
import logging
import signal

import numpy as np
import pytest
import torch
from inversion_case import INVERSION, TRAINING, save_generator, save_samples, tiny_generator
from PIL import Image

from lacuna.formats import checkpoints, images, inversions
from lacuna.generators.chain import head, tail
from lacuna.inversion.encoder_loading import metadata_of, new_encoder
from lacuna.inversion.methods import METHODS
from lacuna.inversion.objective import TERMS
from lacuna.inversion.search import Search
from lacuna.inversion.unknowns import Unknowns, reconstruct
from lacuna.networks.pixels import from_bytes, to_bytes
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance
from lacuna.stages import invert


def test_bytes_survive_the_way_to_floats_and_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 8, 32, 1).repeat(3, axis=3)
    assert np.array_equal(to_bytes(from_bytes(levels, torch.device("cpu"))), levels)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Generator, untrained encoders and five samples."""
    folder = tmp_path_factory.mktemp("invert")
    generator = save_generator(folder / "generator.safetensors")
    for part in ("encoder", "direct"):
        encoder = new_encoder(part, tiny_generator(), TRAINING, seed=3)
        metadata = metadata_of(part, TRAINING, generator)
        checkpoints.save_weights(folder / f"{part}.safetensors", encoder.state_dict(), metadata)
    save_samples(folder / "images.h5", generator, 5)
    return folder


def run(case, out, method="layered_r", settings=INVERSION, **flags):
    out.parent.mkdir(exist_ok=True)
    part = METHODS[method].encoder
    values = {
        "method": method, "family": "progan", "checkpoint": case / "generator.safetensors",
        "images": case / "images.h5", "first": 0, "last": 4, "settings": json.dumps(settings), "seed": 1,
        "device": "cpu", "threads": 1, "state": out.with_suffix(".pt"), "shard": out, "code": "test",
    }  # fmt: skip
    values |= {"encoder": case / f"{part}.safetensors"} if part else {}
    invert.main([text for name, value in (values | flags).items() for text in (f"--{name}", str(value))])
    return inversions.read(out)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_writes_what_design_promises(case, tmp_path, method):
    shard = run(case, tmp_path / "0-4.h5", method)
    assert shard.x.shape == shard.x_hat.shape == (5, 16, 16, 3)
    assert shard.index.tolist() == [0, 1, 2, 3, 4]
    assert shard.terms == TERMS
    assert shard.method == method
    moves = METHODS[method].moves
    assert shard.steps.tolist() == ([0] if moves == "nothing" else [0, 2, 4, 6])
    assert list(shard.residuals) == ([1, 2, 3] if moves == "residuals" else [])
    assert np.array_equal(shard.z0, shard.z) == (moves != "z")
    generator, residuals = tiny_generator(), {k: torch.from_numpy(d) for k, d in shard.residuals.items()}
    r, x_hat = reconstruct(
        head(generator, 3), tail(generator, 3), Unknowns(torch.from_numpy(shard.z), residuals, False)
    )
    torch.testing.assert_close(torch.from_numpy(shard.r), r[-1], rtol=1e-5, atol=1e-5)
    assert np.abs(to_bytes(x_hat).astype(int) - shard.x_hat).max() <= 1


def test_a_start_of_method_z_belongs_to_the_image_number(case, tmp_path):
    all_five = run(case, tmp_path / "a.h5", "z")
    last_two = run(case, tmp_path / "b.h5", "z", first=3, last=4)
    assert np.array_equal(all_five.z0[3:], last_two.z0)


def test_the_same_command_gives_the_same_bytes(case, tmp_path):
    a, b = run(case, tmp_path / "a" / "0-4.h5"), run(case, tmp_path / "b" / "0-4.h5")
    for name in inversions.ARRAYS:
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "loss"), name


@pytest.mark.parametrize("method", ["layered_r", "z"])
@pytest.mark.parametrize("stop", [3, 9], ids=["first images", "last images"])
def test_an_inversion_broken_off_by_sigterm_ends_bit_equal(case, tmp_path, monkeypatch, stop, method):
    settings = INVERSION
    whole = run(case, tmp_path / "whole" / "0-4.h5", method, settings)
    move, moves = Search._move, []

    def interrupted(self, terms_PT):
        moves.append(list(self.steps))
        if len(moves) == stop:
            signal.raise_signal(signal.SIGTERM)
        move(self, terms_PT)

    monkeypatch.setattr(Search, "_move", interrupted)
    broken = tmp_path / "broken" / "0-4.h5"
    with pytest.raises(command.Terminated):
        run(case, broken, method, settings)
    assert not broken.exists()
    resumed = run(case, broken, method, settings)
    assert len(moves) == 12  # three images, then two, of six steps each: none was done twice
    for name in inversions.ARRAYS:
        assert np.array_equal(getattr(whole, name), getattr(resumed, name), equal_nan=name == "loss"), name
    assert not broken.with_suffix(".pt").exists()


def test_one_more_image_inverts_one_more_image(case, tmp_path, monkeypatch):
    all_five = run(case, tmp_path / "a" / "0-4.h5")
    run(case, tmp_path / "b" / "0-3.h5", last=3)
    started, starting_point = [], invert.starting_point

    def noted(*arguments):
        started.append(arguments[-1])
        return starting_point(*arguments)

    monkeypatch.setattr(invert, "starting_point", noted)
    grown = run(case, tmp_path / "b" / "0-4.h5")
    assert set(started) == {4}
    for name in inversions.ARRAYS:
        assert np.array_equal(getattr(all_five, name), getattr(grown, name), equal_nan=name == "loss"), name
    run(case, tmp_path / "b" / "0-4.h5", settings=INVERSION | {"steps": 4})
    assert set(started) == {0, 1, 2, 3, 4}  # of other settings, nothing is taken over


def test_images_of_another_size_are_refused(case, tmp_path):
    pixels = np.zeros((5, 32, 32, 3), dtype=np.uint8)
    images.write(tmp_path / "large.h5", pixels, np.arange(5), Provenance("render", "test"))
    with pytest.raises(ValueError, match="images of 32 pixels, expected the generator's 16"):
        run(case, tmp_path / "out.h5", images=tmp_path / "large.h5")


def test_an_encoder_of_another_generator_is_refused(case, tmp_path):
    other = save_generator(tmp_path / "other.safetensors", seed=9)
    with pytest.raises(ValueError, match="generator_digest"):
        run(case, tmp_path / "out.h5", checkpoint=other)


def test_residual_layers_that_do_not_exist_are_refused(case, tmp_path):
    with pytest.raises(ValueError, match=r"residual layers \[4\], expected layers of the head, 1 to 3"):
        run(case, tmp_path / "out.h5", settings=INVERSION | {"residual_layers": [1, 4]})


def test_a_perceptual_loss_needs_a_network(case, tmp_path):
    with pytest.raises(ValueError, match="give --perceptual-checkpoint"):
        run(case, tmp_path / "out.h5", settings=INVERSION | {"lambda_perceptual": 1.0})


def test_the_mean_of_z_is_no_start_where_z_is_normalised(case, tmp_path):
    with pytest.raises(ValueError, match="z_start mean, expected random"):
        run(case, tmp_path / "out.h5", "z", INVERSION | {"z_start": "mean"})


def test_images_of_any_mode_are_taken_as_rgb(case, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, mode in enumerate(("L", "RGBA", "P")):
        Image.new("RGB", (16, 16), (40 * number, 90, 200)).convert(mode).save(tmp_path / "photos" / f"{number}.png")
    shard = run(case, tmp_path / "out.h5", "layered", images=tmp_path / "photos", last=2)
    assert shard.x.shape == (3, 16, 16, 3)


@pytest.fixture
def photos(tmp_path):
    """Five photos, of which the second, third and fourth cannot be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (16, 16), (40 * number, 90, 200)).save(folder / f"{number}.png")
    (folder / "1.png").write_bytes(b"no image")
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:60])
    Image.new("RGB", (3, 3)).save(folder / "3.png")
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_photo_that_cannot_be_read_is_left_out_and_named(case, photos, tmp_path, method, caplog):
    with caplog.at_level(logging.WARNING):
        shard = run(case, tmp_path / "out.h5", method, images=photos)
    assert shard.index.tolist() == [0, 4] and shard.x.shape == (2, 16, 16, 3)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("skipped image")]
    assert [line.split(":")[0] for line in said] == [f"skipped image {n}, {n}.png" for n in (1, 2, 3)]


@pytest.mark.parametrize("method", METHODS)
def test_a_shard_none_of_whose_photos_can_be_read_is_empty_and_fits_the_others(case, photos, tmp_path, method):
    folder = tmp_path / "shards"
    for first in range(0, 5, 2):
        name = f"{first}-{min(first + 1, 4)}.h5"
        run(case, folder / name, method, images=photos, first=first, last=min(first + 1, 4))
    assert len(inversions.read(folder / "2-3.h5").index) == 0
    found, whole = inversions.read_shards(folder, 5, 2), run(case, tmp_path / "out.h5", method, images=photos)
    assert found.index.tolist() == [0, 4]
    for array in ("x", "x_hat", "z0", "z", "r0", "r", "loss"):
        one, other = getattr(found, array), getattr(whole, array)
        assert one.shape == other.shape and one.dtype == other.dtype, array


def test_photos_none_of_which_can_be_read_are_one_line(case, photos, tmp_path):
    run(case, tmp_path / "shards" / "0-1.h5", "layered", images=photos, first=1, last=2)
    with pytest.raises(ValueError, match="none of the 2 images could be read, as the logs of invert say"):
        inversions.read_shards(tmp_path / "shards", 2, 2)


def test_shards_of_other_settings_do_not_merge(case, tmp_path):
    a = run(case, tmp_path / "a.h5")
    b = run(case, tmp_path / "b.h5", "layered")
    with pytest.raises(ValueError, match="layered_r and layered"):
        inversions.merge([a, b])
    assert len(inversions.merge([a, a]).index) == 10
