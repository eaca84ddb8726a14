"""A network of the library transformers as a scorer: its forward pass, and its post-processing up to the scores.

Shape suffixes: N images, K classes, h and w size of the scores, H and W of the image, L tokens, C channels.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import UserError
from lacuna.segmenters.transformers.heads import joined, query_scores, windows

LAYERS = 4  # of a backbone without a pyramid, so many layers are its features


@dataclass(frozen=True)
class SemanticScorer:
    """A network whose logits are the scores; UperNet's are taken before its own enlargement to the image's size."""

    network: nn.Module

    def to(self, device: torch.device) -> "SemanticScorer":
        """The same on a device."""
        return replace(self, network=placed(self.network, device))

    def scores(self, x_N3HW: Tensor) -> Iterator[Tensor]:
        """Of each image (K, h, w)."""
        head = getattr(self.network, "decode_head", None)
        if type(self.network).__name__ == "UperNetForSemanticSegmentation" and head is not None:
            yield from head(self.network.backbone(x_N3HW).feature_maps)  # type: ignore[operator]
        else:
            yield from self.network(pixel_values=x_N3HW).logits

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """Maps of the backbone."""
        return feature_maps(self.network, x_N3HW)


@dataclass(frozen=True)
class QueryScorer:
    """A network that gives masks with classes.

    side: pixels per side that its masks are brought to before they are probabilities; 0 for their own size.
    window: side of the square that is all that it takes, so that others are cut into windows; 0 for one that takes any.
    task: tokens of OneFormer's task, (1, L).
    """

    network: nn.Module
    side: int = 0
    window: int = 0
    task: Tensor | None = None

    def to(self, device: torch.device) -> "QueryScorer":
        """The same on a device."""
        task = None if self.task is None else self.task.to(device)
        return replace(self, network=placed(self.network, device), task=task)

    def scores(self, x_N3HW: Tensor) -> Iterator[Tensor]:
        """Of each image (K, h, w)."""
        size = x_N3HW.shape[2:]
        if self.window and min(size) != self.window:
            raise ValueError(f"its shorter side must be {self.window}")
        parts_N3SS = windows(x_N3HW, self.window) if self.window else x_N3HW
        found = self.network(pixel_values=parts_N3SS, **self._task(len(parts_N3SS)))
        masks, classes = found.masks_queries_logits, found.class_queries_logits
        each = len(parts_N3SS) // len(x_N3HW)
        for first in range(0, len(parts_N3SS), each):
            rows = range(first, first + each)
            yield joined([query_scores(classes[row], masks[row], self.side) for row in rows], size)

    def features(self, x_N3HW: Tensor) -> list[Tensor]:
        """Maps of the backbone."""
        return feature_maps(self.network, x_N3HW, **self._task(len(x_N3HW)))

    def _task(self, count: int) -> dict[str, Tensor]:
        return {} if self.task is None else {"task_inputs": self.task.expand(count, -1)}


def placed(network: nn.Module, device: torch.device) -> nn.Module:
    """In eval mode, no gradients of weights, on a device."""
    return network.eval().requires_grad_(False).to(device)


def feature_maps(network: nn.Module, x_N3HW: Tensor, **more: Tensor) -> list[Tensor]:
    """Maps (N, C, h, w) of the backbone: its pyramid, or of equally large layers LAYERS that are evenly apart.

    Raises:
        UserError: the architecture does not show its layers.
    """
    accepts = inspect.signature(network.forward).parameters
    pixels = {"pixel_values": x_N3HW, "output_hidden_states": True, **more}
    found: Any = network(**{key: value for key, value in pixels.items() if key in accepts or "kwargs" in accepts})
    hidden = getattr(found, "encoder_hidden_states", None) or getattr(found, "hidden_states", None)
    if not hidden:
        raise UserError(
            f"{type(network).__name__}: shows no layers of its backbone, so an inversion cannot compare by it; name "
            "another network as the inversion's `perceptual`"
        )
    maps = [as_map(layer, x_N3HW.shape[2:], patch_side(network)) for layer in hidden]
    sizes = [map_NChw.shape[2:] for map_NChw in maps]
    if len(set(sizes)) > 1:
        return [map_NChw for place, map_NChw in enumerate(maps) if sizes[place] not in sizes[place + 1 :]]
    return [maps[len(maps) * (number + 1) // LAYERS - 1] for number in range(LAYERS)] if len(maps) > LAYERS else maps


def patch_side(network: nn.Module) -> int:
    """Pixels per side of a token of the backbone; 0 where the configuration says none."""
    said = getattr(network.config, "patch_size", 0)
    return said if isinstance(said, int) else 0


def as_map(layer: Tensor, size: Sequence[int], patch: int) -> Tensor:
    """(N, C, h, w) of a map as it is, or of tokens (N, L, C) without those of no place: classes, registers, queries."""
    if layer.ndim == 4:
        return layer
    tokens = layer.shape[1]
    grid = (size[0] // patch, size[1] // patch) if patch else (0, 0)
    if not 0 < grid[0] * grid[1] <= tokens:
        grid = (math.isqrt(tokens),) * 2
    return layer[:, -grid[0] * grid[1] :].transpose(1, 2).unflatten(2, grid)
