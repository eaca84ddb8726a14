"""Every family of generators with layers, by one contract: a chain, the same image for the same number, its own files.

A new family is one more line in CASES; what is special about it is tested beside this.
"""

import inspect
import pkgutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autoencoder_files
import h5py
import pytest
import stylegan2_files
import torch
from every_stage import LAYERS
from pretended_gpu import OnGpu, PretendedGpu
from torch import Tensor, nn
from training_cases import flags

from lacuna import families
from lacuna.config.network_entries import GeneratorEntry
from lacuna.errors import UserError
from lacuna.families import GENERATORS
from lacuna.generators import chain
from lacuna.generators.acgan.model import ClassGenerator, with_class
from lacuna.generators.autoencoder.checkpoint import from_model
from lacuna.generators.chain import Generator, State
from lacuna.generators.loading import load_generator
from lacuna.generators.progan.model import ProgressiveGenerator
from lacuna.generators.stylegan.model import StyleGenerator
from lacuna.generators.wgan import model as wgan
from lacuna.stages import sample

SIZES = [6, 8, 8, 6]  # 16 pixels


def save_state(path: Path, network: nn.Module) -> None:
    torch.save(network.state_dict(), path)


def save_snapshot(path: Path, network: Any) -> None:
    stylegan2_files.save_pickle(path, stylegan2_files.snapshot(network))


def of_a_file() -> nn.Module:
    scope: dict[str, Any] = {}
    exec(LAYERS, scope)
    return nn.Sequential(OrderedDict(scope["generator"]()[1]))


@dataclass(frozen=True)
class Case:
    """How a small network of a family is made and its files are written, and what its entry says beside them."""

    make: Callable[[], nn.Module]
    save: Callable[[Path, nn.Module], None] = save_state
    settings: Callable[[Path], dict[str, Any]] = lambda folder: {}


def ablation(design: wgan.Design) -> Case:
    return Case(lambda: wgan.AblationGenerator(design, SIZES))


CASES = {
    "acgan": Case(lambda: ClassGenerator([5, 6, 4], [3, 1])),
    "autoencoder": Case(
        lambda: from_model(autoencoder_files.tiny("AutoencoderKL"))[0],
        lambda path, network: autoencoder_files.save(path),
    ),
    "equalised_learning_rate": ablation(wgan.EQUALISED),
    "minibatch_discrimination": ablation(wgan.MINIBATCH_STATISTICS),
    "minibatch_stddev": ablation(wgan.MINIBATCH_STATISTICS),
    "pixel_norm": ablation(wgan.PIXEL_NORM),
    "progan": Case(lambda: ProgressiveGenerator(SIZES)),
    "progressive_training": ablation(wgan.BATCH_NORM),
    "python": Case(of_a_file, settings=lambda folder: {"file": str(folder / "mine.py"), "function": "generator"}),
    "small_minibatch": ablation(wgan.BATCH_NORM),
    "stylegan": Case(lambda: StyleGenerator([8, 8, 8], [8, 8, 4])),
    "stylegan2": Case(stylegan2_files.random_generator, save_snapshot),
    "wgan": ablation(wgan.BATCH_NORM),
}


@dataclass(frozen=True)
class Files:
    """A checkpoint of a family, the network that it was written from, and the settings that it is read with."""

    family: str
    network: nn.Module
    path: Path
    settings: dict[str, Any]

    def load(self, device: str = "cpu") -> Generator:
        return load_generator(self.family, self.path, device, self.settings)


@pytest.fixture(scope="module", params=sorted(CASES))
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    family, folder = request.param, tmp_path_factory.mktemp(request.param)
    (folder / "mine.py").write_text(LAYERS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = CASES[family].make()
    path = folder / ("network.pkl" if CASES[family].save is save_snapshot else "weights.pth")
    CASES[family].save(path, network)
    return Files(family, network, path, CASES[family].settings(folder))


def inputs(generator: Generator, count: int = 4, seed: int = 0) -> Tensor:
    """First states: z, behind classes in turn where the generator draws them on demand."""
    z_ND = torch.randn(count, generator.z_dim, generator=torch.Generator().manual_seed(seed))
    classes = len(generator.classes)
    return with_class(z_ND, torch.arange(count) % classes, classes) if classes else z_ND


def tensors(state: State) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else list(state)


def test_every_family_with_layers_is_here() -> None:
    """Those that can only be sampled keep to another contract: test_diffusers.py."""
    assert CASES.keys() == {name for name, family in GENERATORS.items() if family.has_layers}


def test_it_is_a_chain_of_layers_from_z_to_images(files: Files) -> None:
    generator = files.load()
    assert (generator.family, generator.training) == (files.family, False)
    assert len(chain.layer_names(generator)) > 1
    assert not any(weight.requires_grad for weight in generator.parameters())
    assert bool(generator.classes) <= GENERATORS[files.family].has_labels
    state: State = inputs(generator)
    for layer in generator:
        before = [tensor.clone() for tensor in tensors(state)]
        following = layer(state)
        assert all(map(torch.equal, before, tensors(state))), "a layer leaves its input as it was"
        assert isinstance(following, Tensor | tuple) and all(len(tensor) == 4 for tensor in tensors(following))
        state = following
    assert isinstance(state, Tensor) and state.shape == (4, 3, generator.size, generator.size)
    assert torch.equal(state, generator(inputs(generator))) and state.isfinite().all()


def test_head_then_tail_is_the_generator(files: Files) -> None:
    generator = files.load()
    z_ND, layers = inputs(generator), len(chain.layer_names(generator))
    for n in range(1, layers):
        assert torch.equal(chain.tail(generator, n)(chain.head(generator, n)(z_ND)), generator(z_ND))
    for n in (0, layers):
        with pytest.raises(UserError, match=f"head of {n} layers asked for, expected 1 to {layers - 1}"):
            chain.head(generator, n)


def test_the_later_layers_can_be_differentiated_with_respect_to_their_state(files: Files) -> None:
    generator = files.load()
    for n in range(1, len(chain.layer_names(generator))):
        state = chain.head(generator, n)(inputs(generator))
        parts = [tensor.detach().requires_grad_() for tensor in tensors(state)]
        x_N3HW = chain.tail(generator, n)(parts[0] if isinstance(state, Tensor) else tuple(parts))
        found = torch.autograd.grad(x_N3HW.square().sum(), parts, allow_unused=True)  # the last layer may need no style
        assert found[0].any() and all(gradient is None or gradient.isfinite().all() for gradient in found)


def test_other_images_of_a_batch_change_no_bit(files: Files) -> None:
    generator = files.load()
    one, other = inputs(generator, seed=1), inputs(generator, seed=2)
    mixed = torch.cat([one[:1], other[1:]])
    assert torch.equal(generator(mixed)[0], generator(one)[0])
    assert not torch.equal(generator(other)[0], generator(one)[0])


def test_an_image_is_the_same_in_any_shard(files: Files, tmp_path: Path) -> None:
    def sampled(first: int, last: int) -> dict[str, Any]:
        told = {
            "family": files.family, "checkpoint": files.path, "generator_settings": files.settings, "seed": 1,
            "first": first, "last": last, "batch_size": 2, "device": "cpu", "threads": 1, "code": "digest",
        }  # fmt: skip
        sample.main(flags(told, shard=tmp_path / "shard.h5"))
        with h5py.File(tmp_path / "shard.h5") as file:
            return {name: data[()] for name, data in file.items()}

    whole, part = sampled(0, 7), sampled(4, 7)
    assert part.keys() == whole.keys() >= {"images", "index", "z"}
    assert all((part[name] == whole[name][4:]).all() for name in part)
    assert (whole["images"][0] != whole["images"][2]).any()


def test_a_checkpoint_gives_back_the_weights_that_it_was_written_from(files: Files) -> None:
    found, expected = files.load().state_dict(), files.network.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


def test_what_an_entry_may_say_is_what_the_loader_takes(files: Files) -> None:
    taken = set(list(inspect.signature(families.loader("generators", files.family)).parameters)[1:])
    entry = pkgutil.resolve_name(f"lacuna.{GENERATORS[files.family].settings}")
    assert set(entry.model_fields) - {*GeneratorEntry.model_fields, "train", "splits", "validated_on"} == taken
    with pytest.raises(UserError, match=f"generator settings nonsense are unknown to family {files.family}") as caught:
        load_generator(files.family, files.path, settings=files.settings | {"nonsense": 1})
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_one_line(files: Files, tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.ones(2, 2, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth: ") as caught:
        load_generator(files.family, tmp_path / "other.pth", settings=files.settings)
    assert "\n" not in str(caught.value)


def test_a_gpu_computes_what_the_cpu_computes(files: Files) -> None:
    generator = files.load()
    z_ND, x_N3HW = inputs(generator), generator(inputs(generator))
    before = OnGpu.operations
    with PretendedGpu():
        on_gpu = files.load("cuda")
        found = on_gpu(z_ND.to("cuda"))
        assert isinstance(found, OnGpu) and OnGpu.operations > before
        torch.testing.assert_close(found.cpu(), x_N3HW, rtol=0, atol=1e-5)  # sums in another order
