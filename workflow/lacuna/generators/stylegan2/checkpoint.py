"""Published checkpoints of StyleGAN2: the network that each belongs to, and its weights."""

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lacuna.errors import UserError
from lacuna.formats import checkpoints
from lacuna.generators.stylegan2 import nvidia, pickles, rosinality
from lacuna.generators.stylegan2.layers import FIRST_SIZE
from lacuna.generators.stylegan2.model import Architecture, Style2Generator
from lacuna.generators.stylegan2.published import Published

PERSISTENCE = b"torch_utils.persistence"  # in every pickle of NVIDIA's, and the reason why torch alone refuses it
START = 1 << 16  # bytes at the start of a file in which its kind shows
LARGEST = 1 << 14  # pixels, far beyond any network


def read(path: str | Path) -> Published:
    """A file of any known form.

    Raises:
        UserError: of no known form, broken, or a pickle that could run something.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; correct the config, or put the file there")
    try:
        if page := checkpoints.web_page(source):
            raise UserError(page)
        if is_pickle(source):
            return nvidia.from_pickle(pickles.read(source))
    except UserError as error:
        raise UserError(f"{path}: not read: {error}") from None
    state: Any
    if source.suffix == ".safetensors":
        state = checkpoints.load_weights(source)[0]
    else:
        # A training state of rosinality's has its command line in it: a record without behaviour.
        state = checkpoints.torch_file(source, allowed=(argparse.Namespace,))
    try:
        return from_state(state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def is_pickle(path: Path) -> bool:
    """Whether a file is to be read as NVIDIA's: a pickle that is no torch file, or one with its objects in it."""
    if path.suffix == ".safetensors":
        return False
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
                if name is None:
                    return False
                with archive.open(name) as file:
                    return PERSISTENCE in file.read(START)
        except pickles.BROKEN:
            return False  # torch says what is wrong with it
    with path.open("rb") as file:
        start = file.read(32)
    return pickles.LEGACY_MAGIC.to_bytes(10, "little") not in start


def from_state(state: Any) -> Published:
    """A state dict of rosinality's or under NVIDIA's names, or what wraps one.

    Raises:
        UserError: neither.
    """
    if isinstance(state, Mapping):
        inner = next((state[name] for name in ("g_ema", "G_ema") if isinstance(state.get(name), Mapping)), state)
        weights = {str(key): value for key, value in inner.items() if isinstance(value, Tensor)}
        w_avg = state.get("latent_avg")
        if rosinality.MARK in weights:
            return rosinality.from_state_dict(weights, w_avg if isinstance(w_avg, Tensor) else None)
        if nvidia.MARK in weights:
            return nvidia.from_state_dict(weights)
    found = ", ".join(str(key) for key in list(state)[:5]) if isinstance(state, Mapping) else type(state).__name__
    raise UserError(
        f"no StyleGAN2 of NVIDIA's or rosinality's, found {found or 'nothing'}, expected {rosinality.MARK} or "
        f"{nvidia.MARK}; wrong family or checkpoint?"
    )


def from_published(
    found: Published, truncation: float = 1.0, truncation_layers: int | None = None, noise: str = "fixed",
    label: int | None = None,
) -> tuple[Style2Generator, dict[str, Tensor]]:  # fmt: skip
    """The network that a file belongs to, not yet filled, and its weights.

    Args:
        truncation: see Style2Generator, as the others.

    Raises:
        UserError: weights that no StyleGAN2 has, or settings that do not fit it.
    """
    generator = Style2Generator(architecture(found), truncation, truncation_layers, noise, label)
    modules = dict(generator.named_modules())
    for name, clamp in found.clamps.items():
        if name in modules:
            modules[name].clamp = clamp
    generator.key_names = {own: found.key_of(own) for own in (*generator.state_dict(), *found.weights)}
    return generator, dict(found.weights)


def architecture(found: Published) -> Architecture:
    """The shape of the network, from the shapes of its weights.

    Raises:
        UserError: a weight that is needed for that is missing, or of another kind.
    """
    weights = found.weights
    widths: list[int] = []
    channels: list[int] = []
    size = FIRST_SIZE
    while f"mapping.fc{len(widths)}.bias" in weights:
        widths.append(_side(found, f"mapping.fc{len(widths)}.bias", 1, 0))
    while f"b{size}.conv1.weight" in weights and size <= LARGEST:
        channels.append(_side(found, f"b{size}.conv1.weight", 4, 0))
        size *= 2
    if not widths or not channels:
        key = found.key_of("b4.conv1.weight" if widths else "mapping.fc0.bias")
        raise UserError(f"key {key} is missing, expected it in a StyleGAN2's checkpoint; wrong family or checkpoint?")
    has_classes = "mapping.embed.weight" in weights
    label_width = _side(found, "mapping.embed.weight", 2, 0) if has_classes else 0
    outputs = _side(found, "b4.torgb.weight", 4, 0)
    if outputs != 3:
        raise UserError(f"images of {outputs} channels, expected 3")
    return Architecture(
        z_dim=_side(found, "mapping.fc0.weight", 2, 1) - label_width,
        widths=widths,
        channels=channels,
        num_classes=_side(found, "mapping.embed.weight", 2, 1) if has_classes else 0,
        label_width=label_width,
        rate=found.rate,
        has_noise=any(key.endswith(".noise_strength") for key in weights),
        stores_noise=any(key.endswith(".noise_const") for key in weights),
        stores_w_avg="mapping.w_avg" in weights,
    )


def _side(found: Published, own: str, ndim: int, axis: int) -> int:
    """Length of one axis of one of our weights."""
    value = found.weights.get(own)
    if value is None or value.ndim != ndim:
        what = "is missing" if value is None else f"has shape {tuple(value.shape)}"
        raise UserError(f"key {found.key_of(own)} {what}, expected {ndim} axes; wrong family or checkpoint?")
    return int(value.shape[axis])
