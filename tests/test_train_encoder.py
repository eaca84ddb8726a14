import pytest
import torch
import training_cases
from inversion_case import TRAINING, plain_generator, save_generator, tiny_generator

from lacuna.formats import checkpoints, tables
from lacuna.generators.chain import head
from lacuna.inversion.encoder_loading import load_encoder
from lacuna.inversion.encoders import composed
from lacuna.inversion.layers import head_layouts, path
from lacuna.inversion.methods import Plan
from lacuna.inversion.pairs import EVERY, Loss, encoder_pairs, layer_pairs, tail_pairs, weighted_loss

PARTS = ("layer_1", "layer_2", "layer_3", "tail")


def run(folder, part, **changes):
    training_cases.encoder(folder, folder, part, **changes)
    return checkpoints.load_weights(folder / f"{part}.safetensors")[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    save_generator(folder / "generator.safetensors")
    for part in (*PARTS, "encoder", "direct"):
        run(folder, part)
    return folder


def test_the_loss_of_a_layer_is_the_papers():
    generator = tiny_generator()
    encoder = composed(head_layouts(generator, 3), 16, 4, 2, 3, on_sphere=True).get_submodule("layer_2")
    z = torch.randn(2, 8)
    r1, r2 = path(head(generator, 2), z)
    estimate = encoder(r2)
    expected = (r1 - estimate).abs().mean() + 0.01 * (r2 - generator[1](estimate)).abs().mean()
    pairs = layer_pairs(generator, 2)(encoder, z, frozenset(("left", "right")))
    torch.testing.assert_close(weighted_loss(pairs, {"left": Loss(1.0), "right": Loss(0.01)}), expected)


@pytest.mark.parametrize("generator", [tiny_generator(), plain_generator()], ids=["progan", "plain"])
def test_pairs_compare_what_has_the_same_shape(generator):
    n = len(generator) - 1
    encoder = composed(head_layouts(generator, n), generator.size, 4, 2, 3, on_sphere=False)
    z = torch.randn(2, generator.z_dim)
    for part, pairs in ((encoder[0], tail_pairs(generator, n)), (encoder, encoder_pairs(generator, n))):
        for name, (estimate, truth) in pairs(part, z, EVERY).items():
            assert estimate.shape == truth.shape, name


def test_pairs_of_weight_zero_are_not_computed():
    generator = tiny_generator()
    encoder = composed(head_layouts(generator, 3), 16, 4, 2, 3, on_sphere=True)
    found = encoder_pairs(generator, 3)(encoder, torch.randn(2, 8), frozenset(("z",)))
    assert set(found) == {"z", "estimated_1", "estimated_2", "estimated_3"}


def test_every_part_says_what_it_belongs_to(trained):
    generator = tiny_generator()
    for part in (*PARTS, "encoder"):
        load_encoder(trained / f"{part}.safetensors", part, generator, trained / "generator.safetensors", 3)
        rows = tables.read_tsv(trained / f"{part}.tsv")
        assert [row["step"] for row in rows][-1] == str(TRAINING["steps"]["encoder" if part == "encoder" else "tail"])
        assert not (trained / f"{part}.state.pt").exists()


def test_the_encoder_starts_from_its_parts(trained, tmp_path):
    for name in [*(f"{part}.safetensors" for part in PARTS), "generator.safetensors"]:
        (tmp_path / name).symlink_to(trained / name)
    composed_state = run(tmp_path, "encoder", steps=TRAINING["steps"] | {"encoder": 0}, fit_samples=0)
    for part in PARTS:
        for name, tensor in checkpoints.load_weights(trained / f"{part}.safetensors")[0].items():
            assert torch.equal(composed_state[f"{part}.{name}"], tensor)


def test_the_baseline_trains_without_parts(tmp_path):
    save_generator(tmp_path / "generator.safetensors")
    assert set(run(tmp_path, "direct")) == set(
        composed(head_layouts(tiny_generator(), 3), 16, 4, 2, 3, True).state_dict()
    )


def test_an_encoder_of_another_generator_or_head_is_refused(trained, tmp_path):
    other = save_generator(tmp_path / "other.safetensors", seed=5)
    path = trained / "encoder.safetensors"
    with pytest.raises(ValueError, match="generator_digest"):
        load_encoder(path, "encoder", tiny_generator(5), other, 3)
    with pytest.raises(ValueError, match="layer 3, expected 2"):
        load_encoder(path, "encoder", tiny_generator(), trained / "generator.safetensors", 2)
    with pytest.raises(ValueError, match="part 'encoder', expected 'direct'"):
        load_encoder(path, "direct", tiny_generator(), trained / "generator.safetensors", 3)


def test_an_unknown_part_is_refused(tmp_path):
    save_generator(tmp_path / "generator.safetensors")
    with pytest.raises(ValueError, match="'layer_4', expected one of layer_1"):
        run(tmp_path, "layer_4")


def test_coarse_arithmetic_trains_about_the_same(trained, tmp_path):
    (tmp_path / "generator.safetensors").symlink_to(trained / "generator.safetensors")
    weights = run(tmp_path, "tail", precision="bfloat16")
    fine = checkpoints.load_weights(trained / "tail.safetensors")[0]
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert any(not torch.equal(weights[name], fine[name]) for name in fine)
    losses = [float(tables.read_tsv(folder / "tail.tsv")[-1]["validation_loss"]) for folder in (tmp_path, trained)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)  # bfloat16 has a relative error of 1/256 a number


def test_the_learning_rate_falls_at_each_milestone():
    plan = Plan(10, 1.0, (0.5, 0.8), 0.1, 1)
    assert [plan.rate(step) for step in (0, 4, 5, 7, 8, 9)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
