"""StyleGAN2 as rosinality/stylegan2-pytorch stores it; values are NVIDIA's, names and shapes are not."""

import re
from collections.abc import Mapping

from torch import Tensor

from lacuna.generators.stylegan2.published import Published, check_filter

MARK = "conv1.conv.modulation.weight"
FILTER = r"(convs\.\d+\.conv\.blur|to_rgbs\.\d+\.upsample)\.kernel"
PARTS = {  # of a convolution: its name there -> here
    "conv.weight": "weight", "conv.modulation.weight": "affine.weight", "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength", "activate.bias": "bias", "bias": "bias",
}  # fmt: skip


def from_state_dict(weights: Mapping[str, Tensor], w_avg: Tensor | None) -> Published:
    """Weights under the network's own names; `w_avg` is the mean of w, where the file has it."""
    found: dict[str, Tensor] = {} if w_avg is None else {"mapping.w_avg": w_avg.flatten()}
    keys = {"mapping.w_avg": "latent_avg"}
    for key, value in weights.items():
        if re.fullmatch(FILTER, key):
            check_filter(key, value, 4.0)
            continue
        own = own_name(key)
        keys[own] = key
        found[own] = _squeezed(own, value)
    return Published(found, lambda own: keys.get(own) or key_name(own))


def own_name(key: str) -> str:
    """Our name of a weight; one that is no weight of this network keeps its own."""
    if match := re.fullmatch(r"style\.(\d+)\.(weight|bias)", key):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"
    if key == "input.input":
        return "b4.const"
    if match := re.fullmatch(r"noises\.noise_(\d+)", key):
        return f"{_layer(int(match[1]))}.noise_const"
    if match := re.fullmatch(r"(conv1|to_rgb1|convs\.(\d+)|to_rgbs\.(\d+))\.(.+)", key):
        number = int(match[2] or match[3] or -1)
        if match[4] in PARTS:
            rgb = match[1].startswith("to_rgb")
            return f"{f'b{8 << number if number >= 0 else 4}.torgb' if rgb else _layer(number + 1)}.{PARTS[match[4]]}"
    return key


def key_name(own: str) -> str:
    """What the file would call one of our weights that it lacks."""
    if match := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", own):
        return f"style.{int(match[1]) + 1}.{match[2]}"
    match = re.fullmatch(r"b(\d+)\.(?:(conv0|conv1|torgb)\.)?(.+)", own)
    if match is None or match[2] is None:
        return "input.input" if own == "b4.const" else own
    k = (int(match[1]) // 4).bit_length() - 1
    number = 2 * k - (match[2] == "conv0")
    if match[3] == "noise_const":
        return f"noises.noise_{number}"
    if match[2] == "torgb":
        layer, bias = ("to_rgb1" if k == 0 else f"to_rgbs.{k - 1}"), "bias"
    else:
        layer, bias = ("conv1" if number == 0 else f"convs.{number - 1}"), "activate.bias"
    names = {ours: theirs for theirs, ours in PARTS.items() if ours != "bias"} | {"bias": bias}
    return f"{layer}.{names.get(match[3], match[3])}"


def _layer(number: int) -> str:
    """Our name of convolution `number`, from 0: conv1 at 4 pixels, then two a size."""
    k = (number + 1) // 2
    return f"b{4 << k}.conv{0 if number % 2 else 1}"


def _squeezed(own: str, value: Tensor) -> Tensor:
    """Without the axes of length 1 that this port adds; other shapes stay, so that they are found out."""
    wanted = {
        "weight": 4 if "conv" in own or "torgb" in own else 2, "noise_strength": 0, "noise_const": 2, "const": 3,
    }.get(own.rpartition(".")[2])  # fmt: skip
    if own.endswith("affine.weight"):
        wanted = 2
    if own.endswith("bias"):
        wanted = 1
    if wanted is None or value.ndim <= wanted:
        return value
    if own.endswith(".bias") and value.ndim == 4 and value.shape[0] == value.shape[2] == value.shape[3] == 1:
        return value.flatten()
    while value.ndim > wanted and value.shape[0] == 1:
        value = value[0]
    return value
