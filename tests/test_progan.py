from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lacuna.formats import checkpoints
from lacuna.generators import chain
from lacuna.generators.loading import load_generator
from lacuna.generators.progan import model as progan
from lacuna.generators.progan.growing import GrowingDiscriminator, GrowingGenerator, enlarge, group_deviation
from lacuna.generators.progan.model import ProgressiveGenerator
from lacuna.networks import layers
from lacuna.networks.pixels import to_bytes

SIZES = [6, 8, 8, 6, 5]  # 32 pixels; the last upscaling takes the fused path
ROUNDING = 2e-5  # float32 sums in another order, of numbers about 1


@pytest.fixture
def generator() -> ProgressiveGenerator:
    torch.manual_seed(0)
    generator = ProgressiveGenerator(SIZES).eval().requires_grad_(False)
    for name, weight in generator.named_parameters():
        if name.endswith(".b"):
            weight.copy_(torch.randn_like(weight) / 10)
    return generator


def test_pixel_norm_and_its_gradient_are_those_of_the_formula() -> None:
    x = torch.randn(2, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    direct = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
    torch.testing.assert_close(layers.pixel_norm(x), direct)
    assert torch.autograd.gradcheck(layers.pixel_norm, (x,))


@pytest.mark.parametrize("size", [8, 16])
def test_resampling_convolutions_equal_their_two_steps(size: int) -> None:
    x, weight, bias = torch.randn(2, 4, size, size), torch.randn(3, 4, 3, 3), torch.randn(3)
    up = F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=1)
    down = F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)
    torch.testing.assert_close(layers.upscale_conv(x, weight, bias), up, atol=ROUNDING, rtol=1e-5)
    torch.testing.assert_close(layers.downscale_conv(x, weight, bias), down, atol=ROUNDING, rtol=1e-5)


def test_first_layer_is_the_full_convolution_of_one_pixel(generator: ProgressiveGenerator) -> None:
    z = torch.randn(3, 6)
    layer = generator.layer1
    x = F.conv2d(layers.pixel_norm(z)[:, :, None, None], layer.weight, layer.wscale.b, padding=3)
    torch.testing.assert_close(layer(z), F.leaky_relu(x, 0.2), atol=ROUNDING, rtol=1e-5)
    assert torch.equal(layer(z), layer(z[:, :, None, None]))


def test_grown_generator_is_the_published_class() -> None:
    torch.manual_seed(1)
    growing = GrowingGenerator(SIZES)
    z = torch.randn(2, 6)
    for size in (8, 32):
        finished, weights = progan.from_weights(growing.weights(size))
        checkpoints.load_strict(finished, weights, "test")
        assert torch.equal(finished(z), growing(z, size).clamp(-1, 1))
    assert progan.sizes_of(growing.weights(16)) == SIZES[:-1]


def test_a_new_size_fades_in_from_the_one_before() -> None:
    torch.manual_seed(1)
    growing, discriminator = GrowingGenerator(SIZES), GrowingDiscriminator(SIZES)
    z, x = torch.randn(4, 6), torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(growing(z, 32, alpha=0.0), enlarge(growing(z, 16)))
    torch.testing.assert_close(discriminator(x, alpha=0.0), discriminator(F.avg_pool2d(x, 2)))


def test_group_deviation_sees_images_that_are_all_alike() -> None:
    x = torch.randn(1, 3, 4, 4).expand(8, 3, 4, 4).clone()
    assert group_deviation(x, 4).max() <= 1e-4 + 1e-7  # the root of its epsilon
    x[4:] += torch.arange(4.0)[:, None, None, None]
    found = group_deviation(x, 4)[:, 0, 0, 0]
    torch.testing.assert_close(found[4:], torch.full((4,), 1.25**0.5))  # variance of 0, 1, 2, 3
    assert group_deviation(x[:6], 4).shape == (6, 1, 4, 4)


def test_bytes_are_clamped_and_rounded() -> None:
    x = torch.tensor([-3.0, -1.0, 0.0, 0.5, 1.0, 3.0])[:, None, None, None].expand(6, 3, 1, 1)
    assert to_bytes(x)[:, 0, 0, 0].tolist() == [0, 0, 128, 191, 255, 255]


def test_loading_needs_the_weights_alone(generator: ProgressiveGenerator, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    older = {key.replace(".b", ".scale"): torch.ones(1) for key in generator.state_dict() if key.endswith(".b")}
    unused = {"output_16x16.conv.weight": torch.ones(3, 6, 1, 1), "output_16x16.wscale.b": torch.zeros(3)}
    torch.save({"state_dict": generator.state_dict() | older | unused}, path)
    loaded = load_generator("progan", path)
    assert (loaded.z_dim, loaded.size, loaded.family) == (6, 32, "progan")
    assert chain.layer_names(loaded) == [*(f"layer{k}" for k in range(1, 9)), "output_32x32"]
    z = torch.randn(2, 6)
    assert torch.equal(loaded(z), generator(z))


def test_the_older_layout_is_read_too(generator: ProgressiveGenerator, tmp_path: Path) -> None:
    """features.0 is layer1; the factor that such files carry is the constant, so it is not needed."""
    names = [f"features.{k}" for k in range(len(generator) - 1)] + ["output"]
    parts = zip(names, generator.children(), strict=True)
    older = {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}
    older |= {f"{name}.wscale.scale": torch.full((1,), 1.1) for name in names}
    torch.save(older, tmp_path / "weights.pth")
    z = torch.randn(2, 6)
    assert torch.equal(load_generator("progan", tmp_path / "weights.pth")(z), generator(z))


@pytest.mark.parametrize("size", [256, 1024])
def test_published_sizes_are_read_from_the_shapes(size: int) -> None:
    sizes = [512] * {256: 4, 1024: 5}[size] + [256, 128, 64, 32, 16][: {256: 4, 1024: 5}[size]]
    with torch.device("meta"):
        weights = ProgressiveGenerator(sizes).state_dict()
    generator, named = progan.from_weights(weights)
    assert (generator.sizes, generator.size) == (sizes, size)
    assert named.keys() == weights.keys()
    assert list(generator.children())[-1].conv.weight.shape == (3, sizes[-1], 1, 1)


def test_a_missing_or_misshapen_layer_is_named(generator: ProgressiveGenerator, tmp_path: Path) -> None:
    state = generator.state_dict()
    del state["layer8.conv.weight"], state["layer3.conv.weight"]
    state["layer6.conv.weight"] = torch.ones(7, 6, 3, 3)
    torch.save(state, tmp_path / "weights.pth")
    message = (
        r"missing: layer3\.conv\.weight, layer8\.conv\.weight; misshapen: layer6\.conv\.weight \(7, 6, 3, 3\) instead"
    )
    with pytest.raises(ValueError, match=message):
        load_generator("progan", tmp_path / "weights.pth")


def test_wrong_checkpoints_end_in_one_line(generator: ProgressiveGenerator, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    state = generator.state_dict()
    state["layer3.wscale.c"] = state.pop("layer3.wscale.b")
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"missing: layer3\.wscale\.b; extra: layer3\.wscale\.c"):
        load_generator("progan", path)
    torch.save({"conv1.weight": torch.ones(3)}, path)
    with pytest.raises(ValueError, match="0 convolutions named layerK"):
        load_generator("progan", path)
    with pytest.raises(ValueError, match="found family 'progran', expected one of"):
        load_generator("progran", path)
