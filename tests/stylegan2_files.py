"""Small StyleGAN2 networks with random weights, written as NVIDIA's training programs and rosinality's write them."""

import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lacuna.generators.stylegan2.layers import GAIN
from lacuna.generators.stylegan2.model import Architecture, Style2Generator
from lacuna.generators.stylegan2.rosinality import key_name

PLAIN = Architecture(z_dim=6, widths=[6, 6], channels=[8, 6, 4])
CLASSES = Architecture(z_dim=6, widths=[7, 7], channels=[8, 6, 4], num_classes=3, label_width=7)
FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
SOURCE = "import os\nos.system('touch pwned')\n"  # in the file's own source text, which nobody runs


def random_generator(architecture: Architecture = PLAIN, seed: int = 0, **settings: Any) -> Style2Generator:
    """Weights as wide as those of a trained network."""
    stream = torch.Generator().manual_seed(seed)
    generator = Style2Generator(architecture, **settings)
    for name, value in generator.state_dict().items():
        drawn = torch.randn(value.shape, generator=stream)
        scale = 100 if ".fc" in name and "weight" in name else 0.3 if "weight" not in name else 1
        value.copy_(1 + 0.1 * drawn if name.endswith("affine.bias") else scale * drawn)
    return generator.eval().requires_grad_(False)


class Persistent:
    """An object that pickles as NVIDIA's do: a call of their loader, with its class's source."""

    def __init__(self, class_name: str, state: Mapping[str, Any]) -> None:
        self.meta = {
            "type": "class", "version": 6, "module_src": SOURCE, "class_name": class_name, "state": dict(state),
        }  # fmt: skip

    def __reduce__(self) -> Any:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


def network(generator: Style2Generator, **changes: Any) -> Persistent:
    """The generator as a tree of NVIDIA's modules.

    Args:
        changes: attributes of every module by name, such as `architecture`.
    """
    tensors: dict[str, dict[str, Tensor]] = {}
    for own, value in generator.state_dict().items():
        place, _, name = (own if own.startswith("mapping.") else f"synthesis.{own}").rpartition(".")
        tensors.setdefault(place, {})[name] = value.clone()
    places = {".".join(place.split(".")[:k]) for place in tensors for k in range(1, place.count(".") + 2)}

    def build(place: str) -> Persistent:
        children = sorted(name for name in places if name.rpartition(".")[0] == place) if place else [
            "mapping", "synthesis",
        ]  # fmt: skip
        own = tensors.get(place, {})
        buffers = {name: own[name] for name in own if name in ("w_avg", "noise_const")}
        if place.endswith(("conv0", "conv1")):
            buffers["resample_filter"] = FILTER.clone()
        state = {
            "training": True,
            "_parameters": OrderedDict(
                (name, torch.nn.Parameter(value)) for name, value in own.items() if name not in buffers
            ),
            "_buffers": OrderedDict(buffers),
            "_non_persistent_buffers_set": set(),
            "_modules": OrderedDict((name.rpartition(".")[2], build(name)) for name in children),
        }
        return Persistent(class_of(place), state | attributes(place) | changes)

    def attributes(place: str) -> dict[str, Any]:
        if place.endswith(("conv0", "conv1")):
            return {"activation": "lrelu", "act_gain": np.float64(GAIN), "conv_clamp": None, "use_noise": True}
        if place.startswith("mapping.fc"):
            return {"activation": "lrelu", "bias_gain": generator.architecture.rate}
        if place.endswith(("affine", "embed")):
            return {"activation": "linear", "bias_gain": 1}
        return {"architecture": "skip"} if place.startswith("synthesis.b") else {}

    return build("")


def class_of(place: str) -> str:
    kinds = {"": "Generator", "mapping": "MappingNetwork", "synthesis": "SynthesisNetwork"}
    last = place.rpartition(".")[2]
    if last in ("conv0", "conv1"):
        return "SynthesisLayer"
    if last == "torgb":
        return "ToRGBLayer"
    return kinds.get(place, "SynthesisBlock" if last.startswith("b") else "FullyConnectedLayer")


def snapshot(generator: Style2Generator, **more: Any) -> dict[str, Any]:
    """What a training program saves."""
    return {"G": None, "D": None, "G_ema": network(generator), "training_set_kwargs": {"path": "x"}} | more


@contextmanager
def their_names(*modules: str) -> Iterator[None]:
    """Modules of theirs, while a file is written."""
    added = {}
    for name in ("torch_utils", "torch_utils.persistence", *modules):
        added[name] = sys.modules[name] = ModuleType(name)

    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("their loader was run")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj = _reconstruct_persistent_obj
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def save_pickle(path: Path, content: Any, protocol: int = 3) -> Path:
    """As `pickle.dump` of theirs writes it."""
    with their_names():
        path.write_bytes(pickle.dumps(content, protocol))
    return path


def save_zip(path: Path, content: Any) -> Path:
    """As `torch.save` writes it."""
    buffer = io.BytesIO()
    with their_names():
        torch.save(content, buffer)
    path.write_bytes(buffer.getvalue())
    return path


def rosinality(generator: Style2Generator) -> dict[str, Any]:
    """The generator as rosinality's converter writes it."""
    weights = {}
    for own, value in generator.state_dict().items():
        if own == "mapping.w_avg":
            continue
        key = key_name(own)
        if own.endswith(("conv0.weight", "conv1.weight", "torgb.weight")) or own == "b4.const":
            value = value[None]
        elif own.endswith("noise_const"):
            value = value[None, None]
        elif own.endswith("noise_strength"):
            value = value[None]
        elif own.endswith("torgb.bias"):
            value = value[None, :, None, None]
        weights[key] = value.clone()
    for k in range(1, len(generator.blocks())):
        weights[f"convs.{2 * k - 2}.conv.blur.kernel"] = FILTER * 4
        weights[f"to_rgbs.{k - 1}.upsample.kernel"] = FILTER * 4
    return {"g_ema": weights, "latent_avg": generator.mapping.w_avg.clone()}
