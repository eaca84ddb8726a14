"""The published generators with recipe weights: every layer, every image, every z that the golden data have."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_folder import GoldenFolder, array_names
from torch import Tensor

from lacuna.data.latents import latents
from lacuna.generators.chain import Generator, layer_names
from lacuna.generators.loading import load_generator
from lacuna.networks.pixels import to_bytes

pytestmark = pytest.mark.golden

FAMILIES = {"proggan256": "progan", "G128_simple": "wgan", "G128_minibatch_disc": "minibatch_stddev"}
ATOL = 2e-4  # tolerances of the golden page: of layers and images,
TRAIN_MODE_ATOL = 5e-4  # of the image in train mode,
MOST_OFF_BY_ONE = 1e-3  # and the share of bytes that may be off by one


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@cache
def _generator(golden: GoldenFolder, folder: Path, name: str) -> Generator:
    path = folder / f"{name}.pth"
    torch.save(golden.weights(name), path)
    generator = load_generator(FAMILIES[name], path)
    path.unlink()
    return generator


@cache
def _outputs(golden: GoldenFolder, folder: Path, name: str) -> dict[str, Tensor]:
    """What each layer puts out, by its name in the golden data."""
    generator = _generator(golden, folder, name)
    found, x = {}, _z(golden, name)
    for number, layer_name in enumerate(layer_names(generator)):
        x = generator.get_submodule(layer_name)(x)
        found |= {layer_name: x, f"features_{number}": x}
    return found | {"image_float": x}


def _z(golden: GoldenFolder, name: str) -> Tensor:
    arrays = golden.arrays(f"a_{name}")
    return torch.from_numpy(arrays["z"].reshape(arrays.shape("z")))


def _cases(pattern: str) -> list[tuple[str, str]]:
    return [(name, array) for name in FAMILIES for array in array_names(f"a_{name}", pattern)]


@pytest.mark.parametrize(("name", "array"), _cases(r"(?!.*trainmode)(layer|features_|output_|image_float).*"))
def test_layers_and_images(golden: GoldenFolder, checkpoints: Path, name: str, array: str) -> None:
    golden.arrays(f"a_{name}").check(array, _outputs(golden, checkpoints, name)[array], atol=ATOL)


@pytest.mark.parametrize(("name", "array"), _cases(r"images_uint8"))
def test_bytes_of_images(golden: GoldenFolder, checkpoints: Path, name: str, array: str) -> None:
    arrays = golden.arrays(f"a_{name}")
    x_N3HW = _outputs(golden, checkpoints, name)["image_float"]
    truncated = ((x_N3HW + 1) / 2 * 255).clamp(0, 255).byte().permute(0, 2, 3, 1)  # as published
    off = np.abs(arrays.stored_part(array, truncated).astype(int) - arrays[array].ravel())
    assert off.max() <= 1
    assert (off > 0).mean() <= MOST_OFF_BY_ONE
    rounded = arrays.stored_part(array, to_bytes(x_N3HW)).astype(int) - arrays[array].ravel()  # as we write them
    assert rounded.min() >= -1
    assert rounded.max() <= 1


@pytest.mark.parametrize(("name", "array"), _cases(r"image_float_trainmode.*"))
def test_published_sampling_in_train_mode(golden: GoldenFolder, checkpoints: Path, name: str, array: str) -> None:
    """The published sampler leaves batch norm in train mode; ours does so when it is told to, and only then."""
    generator, z = _generator(golden, checkpoints, name), _z(golden, name)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    try:
        found = generator.train()(z)
    finally:
        generator.load_state_dict(before)
        generator.eval()
    golden.arrays(f"a_{name}").check(array, found, atol=TRAIN_MODE_ATOL)


@pytest.mark.parametrize(("name", "array"), _cases(r"z(_\d+_last)?"))
def test_latent_numbers(golden: GoldenFolder, name: str, array: str) -> None:
    arrays = golden.arrays(f"a_{name}")
    shape = arrays.shape(array)
    last = int(match[1]) - 1 if (match := re.fullmatch(r"z_(\d+)_last", array)) else shape[0] - 1
    first = last if match else 0
    found = latents(golden.meta["z_seed"], first, last, arrays.shape("z")[1])
    arrays.check(array, found.reshape(shape))
