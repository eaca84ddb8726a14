"""Random StyleGAN weights in the layouts of three ports, and what two of the ports compute with them, key by key."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

WIDTHS, CHANNELS = [5, 7, 6], [6, 6, 5, 5, 4, 3]  # 128 pixels: the last up-convolution is fused where ports fuse


Make = Callable[[tuple[int, ...]], Tensor]


def random(seed: int) -> Make:
    """Draws one tensor after the other."""
    stream = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=stream, dtype=torch.float64)


def genforce(channels: list[int] = CHANNELS, widths: list[int] = WIDTHS, make: Make | None = None) -> dict[str, Tensor]:
    """Weights as genforce's generator stores them, random ones where nothing else is asked for."""
    make = make or random(1)
    state = {"synthesis.lod": torch.zeros(())}
    for k, (before, after) in enumerate(pairwise(widths)):
        state[f"mapping.dense{k}.weight"] = make((after, before)) * 100
        state[f"mapping.dense{k}.bias"] = make((after,)) * 10
    state["truncation.w_avg"] = make((widths[-1],))
    before = channels[0]
    for k in range(2 * len(channels)):
        C, size, name = channels[k // 2], 4 * 2 ** (k // 2), f"synthesis.layer{k}"
        if k == 0:
            state[f"{name}.const"] = make((1, C, 4, 4))
        else:
            state[f"{name}.weight"] = make((C, before, 3, 3))
        state[f"{name}.bias"] = make((C,)) / 3
        state[f"{name}.apply_noise.weight"] = make((C,)) / 3
        state[f"{name}.apply_noise.noise"] = make((1, 1, size, size))
        state[f"{name}.style.weight"] = make((2 * C, widths[-1]))
        state[f"{name}.style.bias"] = make((2 * C,)) / 3
        if k % 2 == 0 and k > 0:
            state[f"{name}.blur.kernel"] = torch.ones(C, 1, 3, 3)
        if k % 2:
            state[f"synthesis.output{k // 2}.weight"] = make((3, C, 1, 1))
            state[f"synthesis.output{k // 2}.bias"] = make((3,))
        before = C
    return state


def genforce_forward(state: dict[str, Tensor], z: Tensor) -> Tensor:
    """What genforce's generator computes, without truncation."""
    w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for k in range(sum(key.endswith(".weight") and key.startswith("mapping.") for key in state)):
        weight, bias = state[f"mapping.dense{k}.weight"], state[f"mapping.dense{k}.bias"]
        w = F.leaky_relu(w @ (weight * math.sqrt(2) / math.sqrt(weight.shape[1]) * 0.01).T + bias * 0.01, 0.2)
    num_layers = sum(key.endswith("apply_noise.weight") for key in state)
    x = torch.empty(0)
    for k in range(num_layers):
        name = f"synthesis.layer{k}"
        if k == 0:
            x = state[f"{name}.const"].repeat(len(z), 1, 1, 1)
        else:
            weight = state[f"{name}.weight"] * math.sqrt(2) / math.sqrt(9 * state[f"{name}.weight"].shape[1])
            x = genforce_convolution(x, weight, up=k % 2 == 0)
        x = x + state[f"{name}.apply_noise.noise"] * state[f"{name}.apply_noise.weight"].view(1, -1, 1, 1)
        x = F.leaky_relu(x + state[f"{name}.bias"].view(1, -1, 1, 1), 0.2)
        weight = state[f"{name}.style.weight"]
        style = (w @ (weight / math.sqrt(weight.shape[1])).T + state[f"{name}.style.bias"]).view(len(z), 2, -1, 1, 1)
        x = normalised(x, 1e-8) * (style[:, 0] + 1) + style[:, 1]
    weight = state[f"synthesis.output{num_layers // 2 - 1}.weight"]
    return F.conv2d(x, weight / math.sqrt(weight.shape[1]), state[f"synthesis.output{num_layers // 2 - 1}.bias"])


def genforce_convolution(x: Tensor, weight: Tensor, up: bool) -> Tensor:
    if not up:
        return F.conv2d(x, weight, padding=1)
    if 2 * x.shape[-1] >= 128:
        return naive_blur(F.conv_transpose2d(x, four_places(weight.transpose(0, 1)), stride=2, padding=1))
    return naive_blur(F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, padding=1))


def four_places(weight: Tensor) -> Tensor:
    padded = F.pad(weight, (1, 1, 1, 1))
    return padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]


def normalised(x: Tensor, epsilon: float) -> Tensor:
    x = x - x.mean((2, 3), keepdim=True)
    return x / (x.square().mean((2, 3), keepdim=True) + epsilon).sqrt()


def naive_blur(x: Tensor) -> Tensor:
    padded = F.pad(x, (1, 1, 1, 1))
    H, W = x.shape[2:]
    parts = [
        a * b * padded[:, :, i : i + H, j : j + W] for i, a in enumerate((1, 2, 1)) for j, b in enumerate((1, 2, 1))
    ]
    return torch.stack(parts).sum(0) / 16


def rosinality(fused: bool = True) -> dict[str, Tensor]:
    """Random weights as rosinality's StyledGenerator stores them."""
    make, state = random(2), {}
    for k, (before, after) in enumerate(pairwise(WIDTHS)):
        state[f"style.{2 * k + 1}.linear.weight_orig"] = make((after, before))
        state[f"style.{2 * k + 1}.linear.bias"] = make((after,)) / 3
    before = CHANNELS[0]
    for i, C in enumerate(CHANNELS):
        name = f"generator.progression.{i}"
        if i == 0:
            state[f"{name}.conv1.input"] = make((1, C, 4, 4))
        elif fused and 4 * 2**i >= 128:
            state[f"{name}.conv1.0.weight"] = make((before, C, 3, 3))
            state[f"{name}.conv1.0.bias"] = make((C,)) / 3
        else:
            state[f"{name}.conv1.1.conv.weight_orig"] = make((C, before, 3, 3))
            state[f"{name}.conv1.1.conv.bias"] = make((C,)) / 3
        if i > 0:
            blur = f"{name}.conv1.{1 if f'{name}.conv1.0.weight' in state else 2}"
            state |= {f"{blur}.{part}": torch.ones(C, 1, 3, 3) for part in ("weight", "weight_flip")}
        state[f"{name}.conv2.conv.weight_orig"] = make((C, C, 3, 3))
        state[f"{name}.conv2.conv.bias"] = make((C,)) / 3
        for half in (1, 2):
            state[f"{name}.noise{half}.weight_orig"] = make((1, C, 1, 1))
            state[f"{name}.adain{half}.style.linear.weight_orig"] = make((2 * C, WIDTHS[-1]))
            state[f"{name}.adain{half}.style.linear.bias"] = make((2 * C,))
        state[f"generator.to_rgb.{i}.conv.weight_orig"] = make((3, C, 1, 1))
        state[f"generator.to_rgb.{i}.conv.bias"] = make((3,))
        before = C
    return state


def rosinality_forward(state: dict[str, Tensor], z: Tensor, noise: list[Tensor]) -> Tensor:
    """What rosinality's StyledGenerator computes with the noise image of each size."""

    def equal(key: str) -> Tensor:
        return state[key] * math.sqrt(2 / (state[key].shape[1] * state[key][0][0].numel()))

    w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for k in range(len(WIDTHS) - 1):
        w = F.leaky_relu(
            F.linear(w, equal(f"style.{2 * k + 1}.linear.weight_orig"), state[f"style.{2 * k + 1}.linear.bias"]), 0.2
        )
    x = torch.empty(0)
    for i in range(len(CHANNELS)):
        name = f"generator.progression.{i}"
        if i == 0:
            x = state[f"{name}.conv1.input"].repeat(len(z), 1, 1, 1)
        elif f"{name}.conv1.0.weight" in state:
            weight = state[f"{name}.conv1.0.weight"]
            weight = four_places(weight * math.sqrt(2 / (weight.shape[0] * 9))) / 4
            x = naive_blur(F.conv_transpose2d(x, weight, state[f"{name}.conv1.0.bias"], stride=2, padding=1))
        else:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            bias = state[f"{name}.conv1.1.conv.bias"]
            x = naive_blur(F.conv2d(x, equal(f"{name}.conv1.1.conv.weight_orig"), bias, padding=1))
        for half in (1, 2):
            if half == 2:
                x = F.conv2d(x, equal(f"{name}.conv2.conv.weight_orig"), state[f"{name}.conv2.conv.bias"], padding=1)
            x = F.leaky_relu(x + equal(f"{name}.noise{half}.weight_orig") * noise[i], 0.2)
            linear = f"{name}.adain{half}.style.linear"
            gamma, beta = F.linear(w, equal(f"{linear}.weight_orig"), state[f"{linear}.bias"])[:, :, None, None].chunk(
                2, 1
            )
            x = gamma * F.instance_norm(x) + beta
    last = f"generator.to_rgb.{len(CHANNELS) - 1}.conv"
    return F.conv2d(x, equal(f"{last}.weight_orig"), state[f"{last}.bias"])


def lernapparat(state: dict[str, Tensor], noise: bool) -> dict[str, Tensor]:
    """The weights of a genforce state as lernapparat's port stores them: the same numbers, other names."""
    found = {}
    for key, value in state.items():
        if key.startswith("mapping."):
            found[f"g_{key}"] = value
        if not key.startswith("synthesis.layer"):
            continue
        layer, part = key.removeprefix("synthesis.layer").split(".", 1)
        k = int(layer)
        conv = ("conv1." if k % 2 else "conv0_up.") if k > 1 else ("conv." if k else "")
        parts = {
            "style.weight": f"epi{k % 2 + 1}.style_mod.lin.weight", "style.bias": f"epi{k % 2 + 1}.style_mod.lin.bias",
            "apply_noise.weight": f"epi{k % 2 + 1}.top_epi.noise.weight",
            "apply_noise.noise": f"epi{k % 2 + 1}.top_epi.noise.noise", "blur.kernel": "conv0_up.intermediate.kernel",
        }  # fmt: skip
        if part != "apply_noise.noise" or noise:
            found[f"g_synthesis.blocks.{4 * 2 ** (k // 2)}x{4 * 2 ** (k // 2)}.{parts.get(part, conv + part)}"] = value
    last = f"synthesis.output{len(CHANNELS) - 1}"
    return found | {f"g_synthesis.torgb.{part}": state[f"{last}.{part}"] for part in ("weight", "bias")}
