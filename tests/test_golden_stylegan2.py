"""StyleGAN2 from its published files: every number that the golden data have."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_folder import GoldenArrays, GoldenFolder, array_names, golden_path
from torch import Tensor

from lacuna.generators.chain import Generator
from lacuna.generators.loading import load_generator
from lacuna.generators.stylegan2 import layers
from lacuna.generators.stylegan2.model import Style2Generator
from lacuna.networks.layers import pixel_norm

pytestmark = pytest.mark.golden

W_ATOL, ATOL, GRADIENT_STDS, LOSS_RTOL, UNIT_ATOL = 2e-5, 1e-4, 1e-4, 1e-5, 1e-5  # tolerances of the golden page
FOLDER = golden_path() / "stylegan2"
META: dict[str, Any] = json.loads((FOLDER / "meta.json").read_text()) if FOLDER.exists() else {"networks": {}}
NETWORKS = list(META["networks"])


@pytest.fixture(scope="module")
def folder(golden: GoldenFolder, tmp_path_factory: pytest.TempPathFactory) -> "Folder":
    return Folder(GoldenFolder(golden.path / "stylegan2"), tmp_path_factory.mktemp("weights"))


class Folder:
    """The networks of the folder; of one without a file the recipe's weights are written into one."""

    def __init__(self, golden: GoldenFolder, written: Path) -> None:
        self.golden, self.written = golden, written

    def weights(self, name: str) -> dict[str, Tensor]:
        found = self.golden.recipe.fill(self.golden.shapes(name), self.golden.meta["key_prefix"], name)
        return {key: torch.from_numpy(np.asarray(value)) for key, value in found.items()}

    @cache  # noqa: B019 (lives as long as the module)
    def file(self, name: str) -> Path:
        path = self.golden.path / f"{name}.pkl"
        if not path.exists():
            path = self.written / f"{name}.pt"
            torch.save(self.weights(name), path)
        return path

    def generator(self, name: str, **settings: Any) -> Style2Generator:
        return _network(load_generator("stylegan2", self.file(name), settings=settings))

    @cache  # noqa: B019
    def arrays(self, name: str) -> GoldenArrays:
        return self.golden.arrays(name)

    def cz(self, name: str) -> Tensor:
        """The input of the generator: (c, z) in one row where there are classes."""
        arrays = self.arrays(name)
        return torch.from_numpy(np.concatenate([arrays[key] for key in ("c", "z") if key in arrays], axis=1))

    @cache  # noqa: B019
    @torch.no_grad()
    def outputs(self, name: str) -> dict[str, Tensor]:
        """Everything that the arrays of a network are compared with, but gradients."""
        return self._fixed(name) | self._truncated(name)

    def _fixed(self, name: str) -> dict[str, Tensor]:
        generator, cz_ND = self.generator(name), self.cz(name)
        w_ND = generator.mapping(cz_ND)
        found, state = {"w": w_ND}, w_ND
        for block in generator.blocks():
            tap = block.conv0.register_forward_hook(_keep(found, f"b{block.size}_conv0")) if block.size > 4 else None
            state = block(state)
            if tap:
                tap.remove()
            if not block.is_last:
                found |= {f"b{block.size}_x": state[0], f"b{block.size}_img": state[1]}
        found |= {"image_const": state, f"b{generator.size}_img": state}
        last = generator.blocks()[-1].conv1.register_forward_hook(_keep(found, f"b{generator.size}_x"))
        found["image_const_again"] = generator(cz_ND)
        last.remove()
        assert torch.equal(found["image_const_again"], state)
        N, L = len(w_ND), generator.num_vectors
        found["image_mixed"] = generator.synthesize([w_ND[(torch.arange(N) + k) % N] for k in range(L)])
        found["image_none"] = self.generator(name, noise="none")(cz_ND)
        if generator.classes:
            found["label_part"] = generator.mapping.label_part(cz_ND)
        if "b8_conv0_styles" in self.arrays(name):
            found |= self._inside(generator, w_ND)
        return found

    def _inside(self, generator: Style2Generator, w_ND: Tensor) -> dict[str, Tensor]:
        """Styles and demodulation of the block at 8 pixels."""
        block = generator.blocks()[1]
        x_NCHW = generator.blocks()[0](w_ND)[0]
        styles_NI = block.conv0.affine(w_ND)
        x_after_NCHW = block.conv1(block.conv0(x_NCHW, w_ND), w_ND)
        plain = layers.modulated_conv(x_NCHW, block.conv0.weight, styles_NI, doubles=True, demodulates=False)
        before_noise = layers.modulated_conv(x_NCHW, block.conv0.weight, styles_NI, doubles=True)
        return {
            "b8_conv0_styles": styles_NI, "b8_conv0_before_noise": before_noise,
            "b8_conv0_demod": (before_noise.flatten(2) * plain.flatten(2)).sum(2) / plain.flatten(2).square().sum(2),
            "b8_torgb_styles": block.torgb.styles(w_ND), "b8_torgb": block.torgb(x_after_NCHW, w_ND),
        }  # fmt: skip

    def _truncated(self, name: str) -> dict[str, Tensor]:
        psi, cz_ND = self.golden.meta["truncation_psi"], self.cz(name)
        pulled = self.generator(name, truncation=psi)
        cutoff = self.golden.meta["networks"][name]["truncation_cutoff"]
        some = self.generator(name, truncation=psi, truncation_layers=cutoff)
        w_ND, vectors = some.mapping(cz_ND), {}
        for block in some.blocks():
            for vector, layer in zip(range(99)[block.vectors], block.children(), strict=True):
                seen = layer.affine.seen(w_ND)
                assert torch.equal(vectors.setdefault(vector, seen), seen)
        return {
            "w_truncated": pulled.blocks()[0].conv1.affine.seen(pulled.mapping(cz_ND)),
            "ws_cutoff": torch.stack([vectors[k] for k in sorted(vectors)], dim=1),
            "image_truncated": pulled(cz_ND), "image_cutoff": some(cz_ND),
        }  # fmt: skip


def _keep(found: dict[str, Tensor], name: str) -> Any:
    def hook(_layer: Any, _inputs: Any, output: Tensor) -> None:
        found[name] = output

    return hook


def _network(generator: Generator) -> Style2Generator:
    assert isinstance(generator, Style2Generator)
    return generator


def _cases(pattern: str) -> list[tuple[str, str]]:
    return [(name, array) for name in NETWORKS for array in array_names(f"stylegan2/{name}", pattern)]


@pytest.mark.parametrize(("name", "array"), _cases(r"(?!loss$|grad_|z$|c$).*"))
def test_every_stored_number(folder: Folder, name: str, array: str) -> None:
    found = folder.outputs(name)
    value = found[array] if array in found else F.avg_pool2d(found[array.removesuffix("_pool8")], 8)
    of_w = array.startswith(("w", "label_part"))
    folder.arrays(name).check(array, value, atol=W_ATOL if of_w else ATOL)


@pytest.mark.parametrize("name", [name for name, _ in _cases("loss")])
def test_gradients(folder: Folder, name: str) -> None:
    generator, arrays, cz_ND = folder.generator(name), folder.arrays(name), folder.cz(name).requires_grad_()
    w_ND = generator.mapping(cz_ND)
    w_ND.retain_grad()
    ws = [w_ND.clone() for _ in range(generator.num_vectors)]
    for vector in ws:
        vector.retain_grad()
    loss = generator.synthesize(ws).square().mean()
    loss.backward()
    assert abs(loss.item() / float(arrays["loss"]) - 1) <= LOSS_RTOL
    arrays.check("grad_ws", torch.stack([vector.grad for vector in ws], dim=1), stds=GRADIENT_STDS)
    arrays.check("grad_w", w_ND.grad, stds=GRADIENT_STDS)
    arrays.check("grad_z", generator.mapping.latent(cz_ND.grad), stds=GRADIENT_STDS)


@pytest.mark.parametrize(
    ("file", "name", "array"),
    [
        ("small_rosinality.pt", "small", "image_const"),
        ("tiny_rosinality_training.pt", "tiny", "image_const"),
        ("tiny_no_noise.pkl", "tiny", "image_none"),
        ("tiny_channels_last.pkl", "tiny", "image_const"),
        ("tiny_torch_save.pkl", "tiny", "image_const"),
        ("tiny_evil_source.pkl", "tiny", "image_const"),
    ],
)
def test_images_of_the_other_files(
    folder: Folder, file: str, name: str, array: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = load_generator("stylegan2", FOLDER / file)
    folder.arrays(name).check(array, generator(folder.cz(name)), atol=ATOL)
    assert not list(tmp_path.iterdir())


def test_truncation_of_a_rosinality_file_uses_its_mean_w(folder: Folder) -> None:
    settings = {"truncation": folder.golden.meta["truncation_psi"]}
    generator = load_generator("stylegan2", FOLDER / "small_rosinality.pt", settings=settings)
    folder.arrays("small").check("image_truncated", generator(folder.cz("small")), atol=ATOL)


def test_images_without_stored_noise(folder: Folder) -> None:
    generator = load_generator("stylegan2", FOLDER / "tiny_rosinality_no_noises.pt", settings={"noise": "none"})
    folder.arrays("tiny").check("image_none", generator(folder.cz("tiny")), atol=ATOL)


@pytest.mark.parametrize("array", array_names("stylegan2/units", ".*_out.*"))
def test_units(folder: Folder, array: str) -> None:
    units = folder.arrays("units")
    kind = array.split("_out")[0]
    given = {key: torch.from_numpy(value) for key, value in units.items() if key.startswith(kind)}
    x = given[f"{kind}_in"]
    if kind.startswith("upsample"):
        found = layers.doubled(x)
    elif kind.startswith("upconv"):
        found = layers.doubling_conv(x, given[f"{kind}_weight"])
    elif kind == "modconv":
        found = layers.modulated_conv(
            x, given["modconv_weight"], given["modconv_styles"], "up" in array, "no_demod" not in array
        )
    elif kind == "bias_act":
        found = layers.activate(x, given["bias_act_bias"][:, None, None], 1.0 if "clamp" in array else None)
    else:
        found = pixel_norm(x)
    units.check(array, found, atol=ATOL if "impulse" in array else UNIT_ATOL)
