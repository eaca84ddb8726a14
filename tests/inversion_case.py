"""A tiny generator, perceptual network and settings that the tests of inversion share."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lacuna.formats import checkpoints, images
from lacuna.formats.inversions import Inversions
from lacuna.generators.progan.model import ProgressiveGenerator
from lacuna.inversion.objective import TERMS
from lacuna.networks.pixels import to_bytes
from lacuna.runtime.provenance import Provenance

SIZES = [8, 8, 8, 4]  # z, then channels at 4, 8 and 16 pixels
TRAINING: dict[str, Any] = {
    "layer": 3, "steps": {"layer": 6, "tail": 6, "encoder": 4, "direct": 4}, "batch_size": 4, "precision": "float32",
    "learning_rate": {"layer": 1e-3, "tail": 1e-3, "encoder": 1e-4, "direct": 1e-3}, "milestones": [0.5], "decay": 0.1,
    "losses": {"layer": "l1", "tail": "l1", "encoder": "l1", "x": "l1"}, "network": "layered",
    "lambda_r": 0.01, "loss_z": 1.0, "loss_r": 1.0, "loss_x": 1.0, "validation": 4, "fit_samples": 64, "width": 4,
    "tail_width": 2, "context": 3, "log_every": 2,
}  # fmt: skip
INVERSION: dict[str, Any] = {
    "layer": 3, "residual_layers": [1, 2, 3], "steps": 6, "learning_rate": {"z": 0.05, "residuals": 0.05},
    "milestones": [0.5], "decay": 0.1, "z_start": "random", "patience": 0, "plateau": 0.01,
    "residual_norm": "sum", "lambda_pixel": 1.0, "lambda_perceptual": 0.0, "lambda_reg": 1e-4, "feature_levels": [0],
    "batch_size": 3, "precision": "float32", "converged_tolerance": 0.01, "log_every": 2,
}  # fmt: skip


def tiny_generator(seed: int = 0) -> ProgressiveGenerator:
    """A ProGAN of 16 pixels with random weights, spread wide enough to make different images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = ProgressiveGenerator(SIZES)
    return generator.eval().requires_grad_(False)


def plain_generator() -> nn.Sequential:
    """A generator of another kind: a linear layer, no normalisation, so that the length of z matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layers = OrderedDict(
            first=nn.Sequential(nn.Linear(6, 64), nn.Unflatten(1, (4, 4, 4)), nn.LeakyReLU(0.2)),
            second=nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.2)),
            output=nn.Conv2d(4, 3, 1),
        )
    generator = nn.Sequential(layers).eval().requires_grad_(False)
    generator.z_dim, generator.size = 6, 8
    return generator


class TinyFeatures(nn.Module):
    """Two feature maps."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            self.convolutions = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1)])
        self.requires_grad_(False)

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        maps = []
        for convolution in self.convolutions:
            x_N3HW = convolution(x_N3HW).relu()
            maps.append(x_N3HW)
        return maps


TINY_CLASSES = ["-", "sky", "tree"]


class StubSegmenter:
    """Bright is sky, dark is tree."""

    classes: ClassVar = {"object": TINY_CLASSES}

    def label_maps(self, images_NHW3: Tensor | np.ndarray, heads: Sequence[str] = ("object",)) -> dict[str, Tensor]:
        brightness = torch.as_tensor(images_NHW3)[..., 0].int()
        return {head: torch.where(brightness > 127, 1, 2) for head in heads}


def make_inversions(
    x: np.ndarray,
    x_hat: np.ndarray,
    index: np.ndarray,
    converged: np.ndarray,
    z: np.ndarray | None = None,
    layer: int = 1,
    method: str = "layered_r",
    residuals: dict[int, np.ndarray] | None = None,
) -> Inversions:
    """A shard with what tests look at; the rest is zeros."""
    z = np.zeros((len(x), 2), dtype=np.float32) if z is None else z
    r = np.zeros((len(x), 1, 2, 2), dtype=np.float32)
    loss = np.zeros((len(x), 1, len(TERMS)), dtype=np.float32)
    return Inversions(
        x=x, x_hat=x_hat, z0=z, z=z, r0=r, r=r, loss=loss, index=index, converged=converged, steps=np.array([0]),
        terms=TERMS, method=method, layer=layer, residuals=residuals or {},
    )  # fmt: skip


def latents(count: int, width: int = SIZES[0], seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def save_generator(path: Path, seed: int = 0) -> Path:
    """Weights of the tiny generator."""
    checkpoints.save_weights(path, tiny_generator(seed).state_dict(), {"family": "progan"})
    return path


def save_samples(path: Path, checkpoint: Path, count: int, seed: int = 0) -> Path:
    """A shard of samples of the tiny generator."""
    z_ND = latents(count)
    x_NHW3 = to_bytes(tiny_generator(seed)(z_ND))
    images.write(path, x_NHW3, np.arange(count), Provenance("sample", "test", {}, 1, [checkpoint]), z=z_ND.numpy())
    return path
