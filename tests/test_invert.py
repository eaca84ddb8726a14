import json
import signal

import numpy as np
import pytest
import torch
from inversion_case import (
    INVERSION,
    TRAINING,
    TinyFeatures,
    latents,
    plain_generator,
    save_generator,
    save_samples,
    tiny_generator,
)  # fmt: skip

from lacuna import invert
from lacuna.formats import checkpoints, images, inversions
from lacuna.inversion.layers import path
from lacuna.inversion.methods import METHODS
from lacuna.inversion.objective import TERMS, Objective, Weights
from lacuna.inversion.plan import Plan
from lacuna.inversion.search import Run, Trace, Unknowns, has_converged, reconstruct, search
from lacuna.kit import command
from lacuna.kit.provenance import Provenance
from lacuna.models.chain import head, tail
from lacuna.models.pixels import from_bytes, to_bytes
from lacuna.registry.encoders import metadata_of, new_encoder

PLAN = Plan(20, 0.05, (0.5,), 0.1, 5, 1000)
WEIGHTS = Weights(1.0, 0.5, 1e-3)


def found(x, z0, residual_layers, plan=PLAN, generator=None, weights=WEIGHTS):
    generator = generator or tiny_generator()
    parts = head(generator, 3).to(x.dtype), tail(generator, 3).to(x.dtype)
    sizes = [r.shape[1:] for r in path(parts[0], z0)]
    unknowns = Unknowns(
        z0.clone(), {k: z0.new_zeros(len(z0), *sizes[k - 1]) for k in residual_layers}, not residual_layers
    )
    trace = search(*parts, unknowns, Objective(x, weights, TinyFeatures().to(x.dtype), (0, 1)), plan, range(len(x)))
    return unknowns, trace


@pytest.mark.parametrize("residual_layers", [(1, 2, 3), ()], ids=["layered_r", "z"])
def test_replacing_the_other_images_by_noise_changes_no_bit_of_an_image(residual_layers):
    x = tiny_generator()(latents(4)).clamp(-1, 1)
    noise = torch.rand(4, 3, 16, 16) * 2 - 1
    noise[2] = x[2]
    noise_z = latents(4, seed=2)
    noise_z[2] = latents(4, seed=1)[2]
    alone, trace = found(x, latents(4, seed=1), residual_layers)
    among, trace_among = found(noise, noise_z, residual_layers)
    for a, b in zip(alone.free, among.free, strict=True):
        assert torch.equal(a[2], b[2])
    assert torch.equal(trace.loss_NST[2], trace_among.loss_NST[2])


def test_a_batch_of_images_agrees_with_each_alone():
    x = tiny_generator()(latents(4)).clamp(-1, 1).double()
    together, _ = found(x, latents(4, seed=1).double(), (1, 2, 3))
    alone, _ = found(x[1:2], latents(4, seed=1)[1:2].double(), (1, 2, 3))
    for a, b in zip(together.free, alone.free, strict=True):
        torch.testing.assert_close(a[1], b[0], rtol=0, atol=1e-8)  # float64, other kernels for another batch


def test_terms_are_the_papers_loss():
    generator, x = tiny_generator(), torch.rand(2, 3, 16, 16)
    z0, residuals = latents(2), {2: torch.randn(2, 8, 4, 4)}
    r, x_hat = reconstruct(head(generator, 3), tail(generator, 3), Unknowns(z0, residuals, False))
    objective = Objective(x, WEIGHTS, TinyFeatures(), (1,))
    total, pixel, perceptual, squares = objective.terms(x_hat, residuals).unbind(dim=1)
    features = [TinyFeatures().features(image)[1] for image in (x, x_hat)]
    torch.testing.assert_close(r[-1], generator[2](generator[1](generator[0](z0)) + residuals[2]))
    torch.testing.assert_close(pixel, (x - x_hat).abs().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(perceptual, (features[0] - features[1]).abs().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(squares, residuals[2].square().sum(dim=(1, 2, 3)))
    torch.testing.assert_close(total, pixel + 0.5 * perceptual + 1e-3 * squares)


@pytest.mark.parametrize("residual_layers", [(1, 3), ()], ids=["layered_r", "z"])
def test_the_search_makes_the_loss_smaller(residual_layers):
    _, trace = found(tiny_generator()(latents(3)), latents(3, seed=1), residual_layers)
    assert trace.steps == [0, 5, 10, 15, 20]
    assert trace.loss_NST.shape == (3, 5, len(TERMS))
    assert (trace.loss_NST[:, -1, 0] < 0.95 * trace.loss_NST[:, 0, 0]).all()


def test_any_chain_of_layers_can_be_inverted():
    generator = plain_generator()
    parts = head(generator, 2), tail(generator, 2)
    z0 = latents(2, 6)
    unknowns = Unknowns(z0, {1: torch.zeros(2, 4, 4, 4), 2: torch.zeros(2, 4, 8, 8)}, False)
    trace = search(*parts, unknowns, Objective(torch.rand(2, 3, 8, 8), Weights(1.0, 0.0, 0.0)), PLAN, [0, 1])
    assert (trace.loss_NST[:, -1, 0] < trace.loss_NST[:, 0, 0]).all()


def test_a_loss_that_is_not_finite_ends_its_image_alone(caplog):
    x = tiny_generator()(latents(3))
    clean, trace_clean = found(x, latents(3, seed=1), (1, 2))

    class Failing(Objective):
        steps = 0

        def terms(self, x_hat, residuals):
            self.steps += 1
            factor = torch.ones(3)
            factor[1] = torch.nan if self.steps == 8 else 1.0
            return super().terms(x_hat, residuals) * factor[:, None]

    generator = tiny_generator()
    unknowns = Unknowns(latents(3, seed=1), {1: torch.zeros(3, 8, 4, 4), 2: torch.zeros(3, 8, 4, 4)}, False)
    objective = Failing(x, WEIGHTS, TinyFeatures(), (0, 1))
    trace = search(head(generator, 3), tail(generator, 3), unknowns, objective, PLAN, [10, 11, 12])
    assert "image 11: loss is nan at step 7; it keeps its last good values, those of step 6" in caplog.text
    before, _ = found(x, latents(3, seed=1), (1, 2), Plan(6, 0.05, (), 1, 5, 1000))
    for k in (1, 2):
        assert torch.equal(unknowns.residuals[k][[0, 2]], clean.residuals[k][[0, 2]])
        assert torch.equal(unknowns.residuals[k][1], before.residuals[k][1])
    assert torch.isnan(trace.loss_NST[1, 2:]).all()
    assert torch.isfinite(trace.loss_NST[1, :2]).all()
    assert torch.equal(trace.loss_NST[[0, 2]], trace_clean.loss_NST[[0, 2]])
    assert has_converged(trace, 1.0).tolist() == [True, False, True]


def test_an_image_has_converged_when_its_loss_falls_no_more():
    nan = torch.nan
    loss = torch.tensor([[4, 2, 1.02, 1], [4, 2, 1.1, 1], [1, 1, nan, nan], [1, 1.2, 1.2, 1.1], [1, 1, 1.1, 1.2]])
    trace = Trace([0, 50, 80, 100], loss[:, :, None].expand(-1, -1, len(TERMS)))
    assert has_converged(trace, 0.01).tolist() == [True, False, False, False, True]
    assert has_converged(Trace([0], loss[:, :1, None]), 0.01).tolist() == [True] * 5


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
    a, b = run(case, tmp_path / "a.h5"), run(case, tmp_path / "b.h5")
    for name in inversions.ARRAYS:
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "loss"), name


@pytest.mark.parametrize("stop", [3, 9], ids=["first batch", "second batch"])
def test_an_inversion_broken_off_by_sigterm_ends_bit_equal(case, tmp_path, monkeypatch, stop):
    whole = run(case, tmp_path / "whole.h5")
    move, moves = Run.move, []

    def interrupted(self, terms_NT):
        moves.append(self.step)
        if len(moves) == stop:
            signal.raise_signal(signal.SIGTERM)
        move(self, terms_NT)

    monkeypatch.setattr(Run, "move", interrupted)
    with pytest.raises(command.Terminated):
        run(case, tmp_path / "broken.h5")
    assert not (tmp_path / "broken.h5").exists()
    resumed = run(case, tmp_path / "broken.h5")
    assert len(moves) == 12  # two batches of six steps: none was done twice
    for name in inversions.ARRAYS:
        assert np.array_equal(getattr(whole, name), getattr(resumed, name), equal_nan=name == "loss"), name
    assert not (tmp_path / "broken.pt").exists()


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


def test_shards_of_other_settings_do_not_merge(case, tmp_path):
    a = run(case, tmp_path / "a.h5")
    b = run(case, tmp_path / "b.h5", "layered")
    with pytest.raises(ValueError, match="layered_r and layered"):
        inversions.merge([a, b])
    assert len(inversions.merge([a, a]).index) == 10
