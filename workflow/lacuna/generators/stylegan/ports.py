"""How the known ports of StyleGAN name and scale the weights of one network.

They apply constants in different places, and differ in details of the network (`Habits`). Fused up-convolutions, from
128 pixels on, become plain ones here: a transposed convolution turns its kernel round, so they are upsampling, then a
convolution by the mirrored kernel, exactly.

Source:
    NVlabs/stylegan training/networks_stylegan.py; genforce/genforce models/stylegan_generator.py;
    rosinality/style-based-gan-pytorch model.py; lernapparat/lernapparat models/style_gan.py.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lacuna.generators.stylegan.layers import FIRST_SIZE, MAPPING_RATE, PUBLISHED, Habits

FUSED_FROM = 128  # pixels: from this size on the published network's up-convolutions are fused
NOTHING = ""  # key of a weight that a port does not have, and that is 0 then


@dataclass(frozen=True)
class Port:
    """What one port calls things.

    Args:
        mark: how some of its keys begin, and no other port's.
        names: kind (mapping, layer, output), its number, which of its weights -> the key, or several to be tried.
        dense: pattern of the mapping network's keys; group 1 tells its layers apart.
        layer: pattern of the layers' keys; group 1 says which size or layer.
        last: largest group 1 of `layer` -> number of layers.
        unused: pattern of the keys of constants, and of outputs of other sizes.
        convert: our name, the key, its tensor -> our tensor.
    """

    mark: str
    names: Callable[[str, int, str], tuple[str, ...]]
    dense: str
    layer: str
    last: Callable[[int], int]
    unused: str
    convert: Callable[[str, str, Tensor], Tensor]
    habits: Habits = PUBLISHED


def own_names(kind: str, number: int, part: str) -> tuple[str, ...]:
    if kind == "mapping":
        return ("mapping.w_avg" if part == "w_avg" else f"mapping.dense{number}.{part}",)
    return (f"layer{number}.{part}" if kind == "layer" else f"output.{part}",)


def genforce_names(kind: str, number: int, part: str) -> tuple[str, ...]:
    if kind == "mapping":
        return ("truncation.w_avg" if part == "w_avg" else f"mapping.dense{number}.{part}",)
    part = {"noise": "apply_noise.noise", "noise_weight": "apply_noise.weight"}.get(part, part)
    return (f"synthesis.{kind}{number}.{part}",)


def lernapparat_names(kind: str, number: int, part: str) -> tuple[str, ...]:
    if kind == "mapping":
        return ("truncation.avg_latent" if part == "w_avg" else f"g_mapping.dense{number}.{part}",)
    if kind == "output":
        return (f"g_synthesis.torgb.{part}",)
    size, second = FIRST_SIZE * 2 ** (number // 2), number % 2
    epilogue = {"noise": "top_epi.noise.noise", "noise_weight": "top_epi.noise.weight"}
    epilogue |= {f"style.{name}": f"style_mod.lin.{name}" for name in ("weight", "bias")}
    convolution = "conv1." if second else "conv0_up."
    if size == FIRST_SIZE:
        convolution = "conv." if second else ""
    place = f"epi{second + 1}.{epilogue[part]}" if part in epilogue else f"{convolution}{part}"
    return (f"g_synthesis.blocks.{size}x{size}.{place}",)


def rosinality_names(kind: str, number: int, part: str) -> tuple[str, ...]:
    equalised = {"weight": "weight_orig"}.get(part, part)
    if kind == "mapping":
        return (f"style.{2 * number + 1}.linear.{equalised}",)
    if kind == "output":
        return (f"generator.to_rgb.{number}.conv.{equalised}",)
    block, second = f"generator.progression.{number // 2}", number % 2
    if part == "noise_weight":
        return (f"{block}.noise{second + 1}.weight_orig",)
    if part.startswith("style."):
        name = {"style.weight": "weight_orig", "style.bias": "bias"}[part]
        return (f"{block}.adain{second + 1}.style.linear.{name}",)
    if number == 0:
        return (f"{block}.conv1.input" if part == "const" else NOTHING,)
    if second:
        return (f"{block}.conv2.conv.{equalised}",)
    return f"{block}.conv1.1.conv.{equalised}", f"{block}.conv1.0.{part}"  # the second one is of a fused convolution


def unfused(own: str, key: str, tensor: Tensor) -> Tensor:
    """The published network's weights, under whatever name: they differ from ours where it fuses."""
    layer = re.fullmatch(r"layer(\d+)\.weight", own)
    fused = layer is not None and int(layer[1]) % 2 == 0 and FIRST_SIZE * 2 ** (int(layer[1]) // 2) >= FUSED_FROM
    return tensor.flip(2, 3) if fused and tensor.ndim == 4 else tensor.flatten() if own == "mapping.w_avg" else tensor


def from_rosinality(own: str, key: str, tensor: Tensor) -> Tensor:
    """All equalised weights are run with He's gain, the root of 2, and the mapping network at the full rate.

    A fused kernel is stored input first, and the mean of its four places is taken, not the sum. AdaIN's deviation is
    the style's, not 1 more.
    """
    head, part = own.split(".", 1)
    if head == "mapping":
        return tensor / MAPPING_RATE
    if part == "style.bias":
        tensor = tensor.clone()
        tensor[: len(tensor) // 2] -= 1
    elif part == "noise_weight":
        tensor = tensor.flatten() * math.sqrt(2 / tensor.numel())
    elif part == "style.weight" or (head, part) == ("output", "weight"):
        tensor = tensor * math.sqrt(2)
    elif key.endswith("conv1.0.weight") and tensor.ndim == 4:
        tensor = tensor.transpose(0, 1).flip(2, 3) / 4
    return tensor


PORTS = (
    Port(
        mark="layer0.",
        names=own_names,
        dense=r"mapping\.dense(\d+)\.",
        layer=r"layer(\d+)\.",
        last=lambda number: number + 1,
        unused="(?!)",
        convert=lambda own, key, tensor: tensor,
    ),
    Port(
        mark="synthesis.",
        names=genforce_names,
        dense=r"mapping\.dense(\d+)\.",
        layer=r"synthesis\.layer(\d+)\.",
        last=lambda number: number + 1,
        unused=r"synthesis\.(lod|layer\d+\.blur\.kernel|output\d+\.(weight|bias))",
        convert=unfused,
    ),
    Port(
        mark="g_synthesis.",
        names=lernapparat_names,
        dense=r"g_mapping\.dense(\d+)\.",
        layer=r"g_synthesis\.blocks\.(\d+)x\d+\.",
        last=lambda pixels: 2 * (pixels.bit_length() - 2),
        unused=r".*\.intermediate\.kernel",
        convert=unfused,
    ),
    Port(
        mark="generator.progression.",
        names=rosinality_names,
        dense=r"style\.(\d+)\.",
        layer=r"generator\.progression\.(\d+)\.",
        last=lambda number: 2 * (number + 1),
        unused=r"generator\.(progression\.\d+\.conv1\.[12]\.weight(_flip)?|to_rgb\.\d+\.conv\.(weight_orig|bias))",
        convert=from_rosinality,
        habits=Habits(epsilon=1e-5, blurs_bias=True, shares_noise=True, stores_noise=False, stores_w_avg=False),
    ),
)
