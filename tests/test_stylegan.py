"""StyleGAN. No golden data exist: every port's arithmetic is written out once more, in float64 (stylegan_ports.py)."""

from pathlib import Path
from typing import Any

import h5py
import pytest
import torch
import torch.nn.functional as F
from stylegan_ports import (
    WIDTHS,
    four_places,
    genforce,
    genforce_forward,
    lernapparat,
    naive_blur,
    normalised,
    rosinality,
    rosinality_forward,
)
from torch import Tensor

from lacuna.generators import chain
from lacuna.generators.loading import load_generator
from lacuna.generators.stylegan import checkpoint as stylegan_loading
from lacuna.generators.stylegan.layers import ConstantLayer, Habits
from lacuna.generators.stylegan.model import StyleGenerator, noise_of
from lacuna.networks import layers
from lacuna.stages import sample

EXACT = {"atol": 1e-10, "rtol": 0.0}  # float64 sums of a few hundred numbers about 1, twelve layers deep


def loaded(state: dict[str, Any], folder: Path, **settings: Any) -> StyleGenerator:
    """The generator that a file of this state gives, in float64."""
    path = folder / "weights.pt"
    torch.save({key: value.clone() if isinstance(value, Tensor) else value for key, value in state.items()}, path)
    torch.set_default_dtype(torch.float64)
    try:
        generator = load_generator("stylegan", path, settings=settings)
    finally:
        torch.set_default_dtype(torch.float32)
    assert isinstance(generator, StyleGenerator)
    return generator


@pytest.fixture
def z() -> Tensor:
    return torch.randn(3, WIDTHS[0], generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def test_genforce_checkpoint_gives_its_images(z: Tensor, tmp_path: Path) -> None:
    state = genforce()
    generator = loaded(state, tmp_path)
    assert (generator.z_dim, generator.size) == (5, 128)
    assert chain.layer_names(generator) == ["mapping", *(f"layer{k}" for k in range(12)), "output"]
    torch.testing.assert_close(generator(z), genforce_forward(state, z), **EXACT)
    training = {"generator": {}, "generator_smooth": state}
    torch.testing.assert_close(loaded(training, tmp_path)(z), generator(z), **EXACT)


def test_lernapparat_checkpoint_gives_the_same_images(z: Tensor, tmp_path: Path) -> None:
    state = genforce()
    torch.testing.assert_close(loaded(lernapparat(state, True), tmp_path)(z), genforce_forward(state, z), **EXACT)
    unknown = loaded(lernapparat(state, False), tmp_path)
    drawn = {f"synthesis.layer{k}.apply_noise.noise": getattr(unknown, f"layer{k}").noise for k in range(12)}
    torch.testing.assert_close(unknown(z), genforce_forward(state | drawn, z), **EXACT)
    assert not torch.equal(unknown.layer0.noise, unknown.layer1.noise)


@pytest.mark.parametrize("fused", [True, False])
def test_rosinality_checkpoint_gives_its_images(z: Tensor, tmp_path: Path, fused: bool) -> None:
    state = rosinality(fused)
    generator = loaded(state, tmp_path)
    noise = [getattr(generator, f"layer{k}").noise for k in range(0, 12, 2)]
    torch.testing.assert_close(generator(z), rosinality_forward(state, z, noise), **EXACT)
    training = {"generator": {"module.x": torch.zeros(1)}, "g_running": {f"module.{k}": v for k, v in state.items()}}
    torch.testing.assert_close(loaded(training, tmp_path)(z), generator(z), **EXACT)


def test_smaller_output_of_a_checkpoint(z: Tensor, tmp_path: Path) -> None:
    state = genforce()
    small = {key: value for key, value in state.items() if "layer10" not in key and "layer11" not in key}
    small = {key: value for key, value in small.items() if "output5" not in key}
    torch.testing.assert_close(loaded(state, tmp_path, size=64)(z), genforce_forward(small, z), **EXACT)
    assert loaded(rosinality(), tmp_path, size=16)(z).shape == (3, 3, 16, 16)


@pytest.mark.parametrize("make", [genforce, rosinality])
def test_noise_of_each_image_is_drawn_from_its_z(make: Any, z: Tensor, tmp_path: Path) -> None:
    generator = loaded(make(), tmp_path, noise="per_image")
    noise = noise_of(z, generator.styled_layers())
    assert [part.shape for part in noise[::2]] == [(3, 1, 4 * 2**k, 4 * 2**k) for k in range(6)]
    assert torch.equal(noise[10], noise[11]) == (make is rosinality)
    assert not torch.equal(noise[0][0], noise[0][1])
    for k, image in enumerate(generator(z)):
        for layer, drawn in zip(generator.styled_layers(), noise, strict=True):
            layer.noise.copy_(drawn[k : k + 1])
        torch.testing.assert_close(chain.tail(generator, 1)(generator.mapping(z[k : k + 1]))[0], image, **EXACT)
    assert torch.equal(generator(z.flip(0)).flip(0), generator(z))


def test_own_weights_come_back_whole(z: Tensor, tmp_path: Path) -> None:
    generator = loaded(genforce(), tmp_path)
    again = loaded(generator.state_dict(), tmp_path)
    assert torch.equal(again(z), generator(z))
    assert again.key_names["layer3.noise"] == "layer3.noise"


@pytest.mark.parametrize("size", [4, 16])
def test_building_blocks(size: int) -> None:
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(layers.blur(x), naive_blur(x))
    torch.testing.assert_close(layers.blur(torch.ones(1, 1, 4, 4))[0, 0, 0], torch.tensor([9.0, 12, 12, 9]) / 16)
    fused = F.conv_transpose2d(x, four_places(weight.transpose(0, 1)), stride=2, padding=1)
    torch.testing.assert_close(layers.upscale_conv(x, weight.flip(2, 3)), fused)
    deviation, mean = torch.rand(2, 3, 1, 1).double() + 1, torch.randn(2, 3, 1, 1).double()
    styled = layers.adain(x, deviation, mean, 0.0)
    torch.testing.assert_close(styled.mean((2, 3), keepdim=True), mean)
    torch.testing.assert_close(styled.var((2, 3), correction=0, keepdim=True).sqrt(), deviation)


def test_noise_and_bias_come_before_the_activation() -> None:
    layer = ConstantLayer(2, 3, Habits(epsilon=0.0)).double()
    layer.noise_weight.data, layer.bias.data = torch.tensor([0.5, -2.0]).double(), torch.tensor([0.1, 0.2]).double()
    layer.style.weight.data.zero_()
    x = 1 + layer.noise * torch.tensor([0.5, -2.0]).view(1, 2, 1, 1) + torch.tensor([0.1, 0.2]).view(1, 2, 1, 1)
    features, w = layer(torch.zeros(4, 3).double())
    torch.testing.assert_close(features, normalised(F.leaky_relu(x.double(), 0.2), 0.0).expand(4, -1, -1, -1))
    assert w.shape == (4, 3)


def test_the_settings_arrive(tmp_path: Path) -> None:
    torch.save({key: value.float() for key, value in rosinality().items()}, tmp_path / "weights.pt")

    def sampled(settings: str) -> Any:
        flags = {
            "family": "stylegan", "checkpoint": tmp_path / "weights.pt", "seed": 1, "first": 0, "last": 7,
            "batch-size": 4, "device": "cpu", "threads": 1, "code": "digest", "shard": tmp_path / "shard.h5",
            "generator-settings": settings,
        }  # fmt: skip
        sample.main([str(word) for name, value in flags.items() for word in (f"--{name}", value)])
        with h5py.File(tmp_path / "shard.h5") as file:
            return file["images"][:]

    mean = sampled('{"truncation": 0, "size": 32}')
    assert mean.shape == (8, 32, 32, 3)
    assert (mean == mean[:1]).all()


@pytest.mark.parametrize("make", [genforce, rosinality])
def test_truncation_pulls_w_towards_its_mean(make: Any, z: Tensor, tmp_path: Path) -> None:
    state = make()
    whole, some = loaded(state, tmp_path), loaded(state, tmp_path, truncation=0.5, truncation_layers=3)
    none = loaded(state, tmp_path, truncation=0.0)
    if make is rosinality:  # whose files have no mean w
        many = torch.randn(10_000, 5, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
        torch.testing.assert_close(none.mapping.w_avg, whole.mapping(many).mean(0), atol=0.05, rtol=0)  # 5 errors
    w, w_avg = whole.mapping(z), none.mapping.w_avg.expand(3, -1)
    mean_image = chain.tail(whole, 1)(w_avg)
    torch.testing.assert_close(none(z), mean_image, **EXACT)
    state_by_hand = (torch.empty(0), w)
    for k in range(12):
        pulled = w_avg + 0.5 * (w - w_avg) if k < 3 else w
        layer = getattr(whole, f"layer{k}")
        state_by_hand = layer(pulled) if k == 0 else layer((state_by_hand[0], pulled))
    torch.testing.assert_close(some(z), whole.output(state_by_hand), **EXACT)


@pytest.mark.parametrize(("size", "num_layers"), [(256, 14), (1024, 18)])
def test_published_sizes(size: int, num_layers: int) -> None:
    channels = [min(512, 16384 // (4 * 2**k)) for k in range(num_layers // 2)]
    state = genforce(channels, [512] * 9, lambda shape: torch.empty(shape, device="meta"))
    generator, converted = stylegan_loading.from_weights(state)
    assert generator.size == size
    assert len(chain.layer_names(generator)) == num_layers + 2
    expected = generator.state_dict()
    assert {key: value.shape for key, value in converted.items()} == {
        key: value.shape for key, value in expected.items()
    }
    if size == 1024:  # NVlabs/stylegan prints 26,219,627; that counts the outputs of the eight smaller sizes too
        smaller = sum(3 * (width + 1) for width in channels[:-1])
        assert sum(value.numel() for value in generator.parameters()) + smaller == 26_219_627


def test_wrong_checkpoints_end_in_one_line(tmp_path: Path) -> None:
    for change, message in {
        "synthesis.layer3.weight": r"missing: synthesis\.layer3\.weight; extra: oddity; misshapen: ",
        "truncation.w_avg": r"missing: truncation\.w_avg; extra: oddity; misshapen: synthesis\.layer1\.bias \(7,\)",
        "synthesis.layer4.style.bias": r"key synthesis\.layer4\.style\.bias is missing",
    }.items():
        state = genforce() | {"synthesis.layer1.bias": torch.zeros(7), "oddity": torch.zeros(1)}
        del state[change]
        with pytest.raises(ValueError, match=message) as caught:
            loaded(state, tmp_path)
        assert "\n" not in str(caught.value)
    state = rosinality()
    state["generator.progression.5.conv1.0.weight"] = torch.zeros(3)
    with pytest.raises(ValueError, match=r"misshapen: generator\.progression\.5\.conv1\.0\.weight \(3,\) instead of"):
        loaded(state, tmp_path)
    with pytest.raises(ValueError, match="1 weights, none named as in a StyleGAN"):
        loaded({"layer1.conv.weight": torch.zeros(1)}, tmp_path)
    with pytest.raises(ValueError, match="images of 4, 8, 16, 32, 64, 128 pixels, expected size 100 among them"):
        loaded(genforce(), tmp_path, size=100)
    with pytest.raises(ValueError, match="settings psi are unknown to family stylegan, expected of: truncation, "):
        loaded(genforce(), tmp_path, psi=0.7)
    with pytest.raises(ValueError, match="noise 'some' is unknown, expected one of: fixed, per_image"):
        loaded(genforce(), tmp_path, noise="some")
