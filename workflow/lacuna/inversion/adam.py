"""What moves the unknowns of the search.

Shape suffixes: P places (rows, one image each).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Adam:
    """Adam of many images at once: each row has its own steps, moments and rate, and none sees another.

    torch's own has one step and one rate for all rows; here an image that begins takes the place of one that has ended.

    Source:
        Kingma and Ba 2015, arXiv:1412.6980.
    """

    betas = (0.9, 0.999)
    epsilon = 1e-8

    def __init__(self, values: Sequence[Tensor]) -> None:
        self.means = [torch.zeros_like(value) for value in values]
        self.squares = [torch.zeros_like(value) for value in values]
        self.steps_P = torch.zeros(len(values[0]), dtype=torch.float64, device=values[0].device)

    def move(self, values: Sequence[Tensor], gradients: Sequence[Tensor], rate_P: Tensor, moves_P: Tensor) -> None:
        """One step, in place, of the rows of `moves_P`; the others stay as they are."""
        first, second = self.betas
        self.steps_P += moves_P
        size_P = (rate_P / (1 - first**self.steps_P)).where(moves_P, torch.zeros_like(rate_P))
        scale_P = (1 - second**self.steps_P).clamp_min(self.epsilon).sqrt()
        for value, gradient, mean, square in zip(values, gradients, self.means, self.squares, strict=True):
            active = along(moves_P, value)
            gradient = gradient.where(active, torch.zeros_like(gradient))  # NaN where nothing is searched for
            mean.lerp_(gradient, (1 - first) * active.to(value.dtype))
            square.lerp_(gradient.square(), (1 - second) * active.to(value.dtype))
            root = (square.sqrt() / along(scale_P, value).to(value.dtype)).add_(self.epsilon)
            value.sub_(along(size_P, value).to(value.dtype) * mean / root)

    def clear(self, place: int) -> None:
        """Forget a row: another image takes its place."""
        self.steps_P[place] = 0
        for tensor in (*self.means, *self.squares):
            tensor[place] = 0

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {"means": self.means, "squares": self.squares, "steps_P": self.steps_P}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        for own, saved in zip([*self.means, *self.squares], [*state["means"], *state["squares"]], strict=True):
            own.copy_(saved)
        self.steps_P.copy_(state["steps_P"])


def along(mask_P: Tensor, tensor: Tensor) -> Tensor:
    """One value a row, shaped to be applied to all elements of the rows of `tensor`."""
    return mask_P.view(-1, *[1] * (tensor.dim() - 1))
