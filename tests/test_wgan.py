from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lacuna.generators import chain
from lacuna.generators.loading import load_generator
from lacuna.generators.wgan import model as wgan
from lacuna.generators.wgan.model import AblationGenerator, Design

SIZES = [6, 8, 8, 6, 5]  # 32 pixels; the last upscaling takes the fused path
DESIGNS = {
    "wgan": wgan.BATCH_NORM,
    "minibatch_stddev": wgan.MINIBATCH_STATISTICS,
    "equalised_learning_rate": wgan.EQUALISED,
    "pixel_norm": wgan.PIXEL_NORM,
}


def _generator(design: Design) -> AblationGenerator:
    torch.manual_seed(0)
    generator = AblationGenerator(design, SIZES)
    for name, weight in generator.state_dict().items():
        if name.endswith((".b", ".bias", "running_mean")):
            weight.copy_(torch.randn_like(weight) / 10)
        elif name.endswith((".scale", "running_var", "norm.weight")):
            weight.mul_(1 + torch.rand_like(weight) / 10)
    return generator.eval().requires_grad_(False)


@pytest.fixture(params=sorted(DESIGNS))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def generator(family: str) -> AblationGenerator:
    return _generator(DESIGNS[family])


def test_layers_are_those_of_the_formula(family: str, generator: AblationGenerator) -> None:
    """Every step written out, on the published names of the weights."""
    generator, z = generator.double(), torch.randn(3, 6, dtype=torch.float64)
    torch.testing.assert_close(generator(z), _image(family, _published(generator), z), atol=1e-10, rtol=0)
    assert torch.equal(generator(z), generator(z[:, :, None, None]))


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_published_files_are_read_by_their_own_keys(
    family: str, generator: AblationGenerator, prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    state = {prefix + key: value for key, value in _published(generator).items()}
    torch.save({"state_dict": state, "epoch": 3} if prefix else state, path)
    loaded = load_generator(family, path)
    assert (loaded.z_dim, loaded.size) == (6, 32)
    assert chain.layer_names(loaded) == [*(f"layer{k}" for k in range(1, 9)), "output"]
    z = torch.randn(2, 6)
    assert torch.equal(loaded(z), generator(z))


def test_a_checkpoint_of_another_family_names_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(_published(_generator(wgan.MINIBATCH_STATISTICS)), path)
    with pytest.raises(
        ValueError, match=r"missing: features\.0\.norm\.bias.*extra: features\.0\.conv\.bias.*wrong family"
    ) as error:
        load_generator("wgan", path)
    assert "\n" not in str(error.value)


def test_every_missing_extra_and_misshapen_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    state = _published(_generator(wgan.BATCH_NORM))
    del state["features.2.conv.weight"]
    state["features.4.conv.weight"] = torch.ones(7, 8, 3, 3)
    state["features.9.conv.bias"] = torch.ones(3)
    torch.save(state, path)
    message = (
        r"missing: features\.2\.conv\.weight; extra: features\.9\.conv\.bias; misshapen: features\.4\.conv\.weight"
    )
    with pytest.raises(ValueError, match=message):
        load_generator("wgan", path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x02 nothing"])
def test_a_truncated_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(_published(_generator(wgan.BATCH_NORM)), path)
    path.write_bytes(content or path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"weights\.pth: not a readable checkpoint") as error:
        load_generator("wgan", path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [torch.ones(3), {}, [1], {"epoch": 3}, {"state_dict": None}])
def test_a_file_without_weights_is_one_line(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights\.pth: no torch state dict"):
        load_generator("wgan", tmp_path / "weights.pth")


def _published(generator: AblationGenerator) -> dict[str, torch.Tensor]:
    """The state dict under the published names, which count from features.0."""
    names = [f"features.{k}" for k in range(len(generator) - 1)] + ["output"]
    children = [child.state_dict() for child in generator.children()]
    return {f"{name}.{key}": value for name, child in zip(names, children, strict=True) for key, value in child.items()}


def _image(family: str, weights: dict[str, torch.Tensor], z: torch.Tensor) -> torch.Tensor:
    """The published network, straight from its description."""
    x = z[:, :, None, None]
    for name in [*(f"features.{k}" for k in range(8)), "output"]:
        of = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
        first, last = name == "features.0", name == "output"
        if family == "pixel_norm" or (first and family != "wgan") or (last and family == "equalised_learning_rate"):
            x = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
        if name in ("features.2", "features.4", "features.6"):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = F.conv2d(x, of["conv.weight"], of.get("conv.bias"), padding=3 if first else 0 if last else 1)
        if "wscale.scale" in of:
            x = x * of["wscale.scale"] + of["wscale.b"][:, None, None]
        if "norm.weight" in of:
            x = F.batch_norm(x, of["norm.running_mean"], of["norm.running_var"], of["norm.weight"], of["norm.bias"])
        x = x.clamp(-1, 1) if last else F.leaky_relu(x, 0.0 if family == "wgan" else 0.2)
    return x
