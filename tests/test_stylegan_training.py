import pytest
import torch
from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.generators.progan.growing import enlarge
from lacuna.generators.stylegan import checkpoint as stylegan_loading
from lacuna.generators.stylegan.growing import GrowingStyleGenerator
from lacuna.generators.stylegan.settings import Training
from lacuna.generators.stylegan.training import StyleganTask
from lacuna.networks.layers import adain
from lacuna.training.schedule import Phase
from lacuna.training.settings import Stage

SIZES = [6, 8, 8, 6, 5]  # 32 pixels
SETTINGS = Training(
    sizes=SIZES, schedule=[Stage(size=32, images=1, fade=0)], mapping_layers=3, mapping_rate=1.0, style_mixing=0.5
)


@pytest.fixture
def growing() -> GrowingStyleGenerator:
    torch.manual_seed(0)
    growing = GrowingStyleGenerator(SIZES, mapping_layers=3, mapping_rate=0.5, style_mixing=1.0)
    for name, weight in growing.named_parameters():
        if name.endswith(("bias", "noise_weight")):
            weight.data.normal_()
    return growing


@pytest.fixture
def z() -> Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(1))


def test_grown_generator_is_the_published_network(growing: GrowingStyleGenerator, z: Tensor) -> None:
    for size in (8, 32):
        finished, weights = stylegan_loading.from_weights(growing.weights(size), noise="per_image")
        checkpoints.load_strict(finished, weights, "test")
        torch.testing.assert_close(finished(z), growing(z, size), atol=1e-4, rtol=0)  # float32, numbers about 10
    many = torch.randn(20_000, 6, generator=torch.Generator().manual_seed(2))
    deviation = growing.mapping(many).std(0).max()
    assert (weights["mapping.w_avg"] - growing.mapping(many).mean(0)).abs().max() < 5 * deviation / 10_000**0.5 * 1.3


def test_a_new_size_fades_in_from_the_one_before(growing: GrowingStyleGenerator, z: Tensor) -> None:
    torch.testing.assert_close(growing(z, 32, alpha=0.0), enlarge(growing(z, 16)))


def test_noise_is_new_for_every_image_while_training(growing: GrowingStyleGenerator, z: Tensor) -> None:
    growing.style_mixing = 0.0
    same = z[:1].expand(2, -1)
    own = growing(same, 32)
    one, other = growing(same, 32, random=torch.Generator().manual_seed(3))
    # Rows of one batch may be computed by different kernels, in another order of sums: docs/reproducibility.md.
    torch.testing.assert_close(own[0], own[1])
    assert (one - other).abs().mean() > 0.01 * own.std()  # new noise is no rounding
    for layer in growing.layers.values():
        layer.noise_weight.data.zero_()
    torch.testing.assert_close(growing(same, 32, random=torch.Generator().manual_seed(3)), growing(same, 32))


def test_later_layers_of_mixed_images_have_the_style_of_another_z(growing: GrowingStyleGenerator) -> None:
    z = torch.randn(300, 6, generator=torch.Generator().manual_seed(4))
    own = growing.mapping(z)
    for share in (0.0, 0.5, 1.0):
        growing.style_mixing = share
        own_LN = torch.stack([(w == own).all(1) for w in growing._styles(z, 8, torch.Generator().manual_seed(5))])
        assert own_LN[0].all(), "the first layer's style is always that of z itself"
        assert (own_LN[1:] <= own_LN[:-1]).all(), "an image changes its style once"
        assert abs((~own_LN[-1]).float().mean() - share) < 5 * (0.25 / 300) ** 0.5
    assert (own_LN.sum(0).bincount(minlength=9)[1:8] > 15).all(), "300 changes over 7 places"


def test_a_step_depends_on_its_z_alone(z: Tensor) -> None:
    torch.manual_seed(0)
    task, phase = StyleganTask(SETTINGS), Phase(32, 1.0, 32)
    assert isinstance(task.generator, GrowingStyleGenerator)
    for layer in task.generator.layers.values():
        layer.noise_weight.data.normal_()
    assert torch.equal(task.generate(task.generator, z, phase), task.generate(task.generator, z, phase))
    assert not torch.equal(task.generate(task.generator, z, phase), task.generator(z, 32))


def test_adain_and_its_gradient_are_those_of_the_formula() -> None:
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    deviation, mean = (torch.randn(2, 3, 1, 1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    variance, own_mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    direct = deviation * (x - own_mean) / (variance + 0.1).sqrt() + mean
    torch.testing.assert_close(adain(x, deviation, mean, 0.1), direct)
    assert torch.autograd.gradcheck(lambda *parts: adain(*parts, 0.1), (x, deviation, mean))
