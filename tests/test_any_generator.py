"""Any layered generator can be sampled and inverted: one from a Python file, one whose states are tuples."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from inversion_case import INVERSION, TRAINING

from lacuna.formats import checkpoints, inversions
from lacuna.generators.chain import head
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.generators.stylegan.model import StyleGenerator
from lacuna.inversion.encoder_loading import new_encoder
from lacuna.inversion.layers import head_layouts, path, shapes
from lacuna.inversion.states import layouts, pack, packed, unpack
from lacuna.stages import invert, sample, train_encoder

FILE = """
from torch import nn


def generator():
    first = nn.Sequential(nn.Linear(6, 64), nn.Unflatten(1, (4, 4, 4)), nn.LeakyReLU(0.2))
    second = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.2))
    return 6, {"first": first, "second": second, "output": nn.Sequential(nn.Conv2d(4, 3, 1), nn.Tanh())}


def nothing():
    return []


def no_images():
    return 6, {"a": nn.Linear(6, 4), "b": nn.Linear(4, 2)}
"""


def style_generator():
    torch.manual_seed(0)
    generator = StyleGenerator([8, 8, 8], [8, 8, 4]).eval().requires_grad_(False)
    generator.family = "stylegan"
    return generator


@pytest.fixture(params=["python", "stylegan"])
def case(request, tmp_path):
    """Family, settings and checkpoint of a generator with random weights."""
    if request.param == "python":
        file = tmp_path / "mine.py"
        file.write_text(FILE)
        scope = {}
        torch.manual_seed(0)
        exec(FILE, scope)
        weights = torch.nn.Sequential(torch.nn.ModuleDict(scope["generator"]()[1])).state_dict()
        weights = {name.removeprefix("0."): tensor for name, tensor in weights.items()}
        settings = {"file": str(file), "function": "generator"}
    else:
        weights, settings = style_generator().state_dict(), {}
    torch.save(weights, tmp_path / "generator.pth")
    return request.param, settings, tmp_path


def flags(case, **more):
    family, settings, folder = case
    values = {
        "family": family, "checkpoint": folder / "generator.pth", "generator-settings": json.dumps(settings), "seed": 1,
        "device": "cpu", "code": "test", "threads": 1,
    }  # fmt: skip
    return [text for name, value in (values | more).items() for text in (f"--{name}", str(value))]


def test_it_is_sampled_its_encoder_trained_and_its_samples_inverted(case):
    folder = case[2]
    sample.main(flags(case, **{"first": 0, "last": 2, "batch-size": 2, "shard": folder / "images.h5"}))
    training = TRAINING | {"layer": 2, "steps": {"layer": 3, "tail": 3, "encoder": 3}}
    for part in ("layer_1", "layer_2", "tail", "encoder"):
        train_encoder.main(
            flags(case, part=part, settings=json.dumps(training), state=folder / "state.pt", log=folder / "log.tsv",
                  weights=folder / f"{part}.safetensors", **{"parts-dir": folder})
        )  # fmt: skip
    settings = INVERSION | {"layer": 2, "residual_layers": [1, 2], "steps": 12, "log_every": 3}
    for method in ("layered_r", "layered_z"):
        shard = folder / method / "0-2.h5"
        shard.parent.mkdir()
        invert.main(
            flags(case, method=method, encoder=folder / "encoder.safetensors", images=folder / "images.h5", first=0,
                  last=2, settings=json.dumps(settings), state=folder / "invert.pt", shard=shard)
        )  # fmt: skip
        found = inversions.read(shard)
        assert (found.loss[:, -1, 0] < found.loss[:, 0, 0]).all()
        assert set(found.residuals) == ({1, 2} if method == "layered_r" else set())


def test_a_packed_generator_makes_the_same_images_and_states():
    generator = style_generator()
    wrapped, z = packed(generator), torch.randn(3, 8)
    torch.testing.assert_close(wrapped(z), generator(z), rtol=0, atol=0)
    state, found = z, path(head(wrapped, 3), z)
    for layer, r, layout in zip(generator, found, layouts(generator)[1:], strict=False):
        state = layer(state)
        assert torch.equal(r, pack(state))
        again = unpack(r, layout)
        assert all(torch.equal(a, b) for a, b in zip(again, state, strict=True)) or torch.equal(again, state)
    assert head_layouts(wrapped, 2)[-1] == ((8, 4, 4), (8,))
    assert shapes(wrapped, 2)[-1] == (8 * 4 * 4 + 8,)


def test_a_generator_of_tensors_stays_as_it_is():
    from inversion_case import tiny_generator

    generator = tiny_generator()
    assert packed(generator) is generator


def test_what_a_layer_hands_on_is_handed_back():
    generator = packed(style_generator())
    shaping = {"layer": 3, "network": "layered", "width": 4, "tail_width": 2, "context": 3}
    encoder = new_encoder("encoder", generator, shaping)
    r_3 = path(head(generator, 3), torch.randn(2, 8))[-1]
    r_2 = encoder[1](r_3)
    assert torch.equal(r_2[:, -8:], r_3[:, -8:])  # w
    assert torch.equal(encoder[2](r_2), r_3[:, -8:])  # r_1 is w


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"file": "absent.py"}, "absent.py: no such file, expected Python"),
        ({"function": "other"}, "no function 'other'; write it, or name another"),
        ({"function": "nothing"}, r"nothing\(\) returns \[\], expected the width of z"),
        ({"function": "no_images"}, r"no_images\(\) makes \(1, 2\) of one z, expected one square image"),
    ],
)
def test_a_file_that_makes_no_generator_is_one_clear_line(tmp_path, settings, message):
    (tmp_path / "mine.py").write_text(FILE)
    checkpoints.save_weights(tmp_path / "weights.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_generator(
            "python", tmp_path / "weights.safetensors", "cpu", {"file": str(tmp_path / "mine.py")} | settings
        )


def test_the_files_weights_are_those_of_the_checkpoint(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    torch.save({"first.0.weight": torch.zeros(64, 6)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"missing: first\.0\.bias"):
        load_generator("python", tmp_path / "weights.pth", "cpu", {"file": str(tmp_path / "mine.py")})


def test_the_example_of_the_documentation_is_a_generator(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "generators.md").read_text(encoding="utf-8")
    (tmp_path / "my_generator.py").write_text(page.split("```python\n")[1].split("```")[0])
    scope = runpy.run_path(str(tmp_path / "my_generator.py"))
    z_dim, layers = scope["generator"]()
    torch.save(torch.nn.ModuleDict(layers).state_dict(), tmp_path / "my_weights.pth")
    settings = {"file": str(tmp_path / "my_generator.py"), "function": "generator"}
    generator = load_generator("python", tmp_path / "my_weights.pth", torch.device("cpu"), settings)
    z = torch.randn(2, z_dim)
    expected = torch.nn.Sequential(*layers.values())(z)
    torch.testing.assert_close(generator(z), expected)
    assert (generator.z_dim, generator.size, expected.shape) == (128, 64, (2, 3, 64, 64))
    assert "layer1.0.weight" in page and "layer1.0.weight" in torch.nn.ModuleDict(layers).state_dict()


ENCODER = """

def encoder():
    return nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 6))


def no_z():
    return nn.Flatten()
"""


def with_encoder(tmp_path):
    """The file of above with an encoder in it, and a checkpoint with the weights of both."""
    (tmp_path / "mine.py").write_text(FILE + ENCODER)
    scope = runpy.run_path(str(tmp_path / "mine.py"))
    torch.manual_seed(0)
    network, encoder = torch.nn.ModuleDict(scope["generator"]()[1]), scope["encoder"]()
    weights = network.state_dict() | {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    torch.save(weights, tmp_path / "weights.pth")
    return network, encoder


def test_a_file_may_bring_its_encoder(tmp_path):
    network, encoder = with_encoder(tmp_path)
    settings = {"file": str(tmp_path / "mine.py"), "encoder": "encoder"}
    found = load_own_encoder("python", tmp_path / "weights.pth", "cpu", settings)
    generator = load_generator("python", tmp_path / "weights.pth", "cpu", settings)
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(found(x), encoder(x))
    torch.testing.assert_close(generator(found(x)), torch.nn.Sequential(*network.values())(encoder(x)))


def test_a_file_without_an_encoder_has_none(tmp_path):
    with_encoder(tmp_path)
    assert load_own_encoder("python", tmp_path / "weights.pth", "cpu", {"file": str(tmp_path / "mine.py")}) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_z", r"no_z\(\) makes \(1, 192\) of one image, expected one z, \(1, 6\)"),
        ("nothing", "returns .*, expected a module that makes z of images"),
        ("absent", "no function 'absent'; write it, or name another by the generator's key encoder"),
    ],
)
def test_an_encoder_that_makes_no_z_is_one_line(tmp_path, name, message):
    with_encoder(tmp_path)
    settings = {"file": str(tmp_path / "mine.py"), "encoder": name}
    with pytest.raises(ValueError, match=message):
        load_own_encoder("python", tmp_path / "weights.pth", "cpu", settings)
