"""Optimisers of many images at once: each row has its own steps, moments and line search, and none sees another.

Both move the values in place, given loss and gradient of each row at the values as they stand; rows that `moves_P`
leaves out stay as they are.

Shape suffixes: P places (rows, one image each), M remembered steps, U unknowns of one image.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Optimiser(Protocol):
    """What the search moves its unknowns with."""

    monotone: bool  # a point with a higher loss is only a trial: the search keeps the best one

    def move(
        self, values: Sequence[Tensor], gradients: Sequence[Tensor], loss_P: Tensor, rate_P: Tensor, moves_P: Tensor
    ) -> None:
        """One step of the rows of `moves_P`."""

    def clear(self, place: int) -> None:
        """Forget a row: another image takes its place."""

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""


class Adam:
    """Adam, with the usual decay rates.

    Source:
        Kingma and Ba 2015, arXiv:1412.6980.
    """

    monotone = False
    betas = (0.9, 0.999)
    epsilon = 1e-8

    def __init__(self, values: Sequence[Tensor]) -> None:
        self.means = [torch.zeros_like(value) for value in values]
        self.squares = [torch.zeros_like(value) for value in values]
        self.steps_P = torch.zeros(len(values[0]), dtype=torch.float64, device=values[0].device)

    def move(
        self, values: Sequence[Tensor], gradients: Sequence[Tensor], loss_P: Tensor, rate_P: Tensor, moves_P: Tensor
    ) -> None:
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
        self.steps_P[place] = 0
        for tensor in (*self.means, *self.squares):
            tensor[place] = 0

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means, "squares": self.squares, "steps_P": self.steps_P}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for own, saved in zip([*self.means, *self.squares], [*state["means"], *state["squares"]], strict=True):
            own.copy_(saved)
        self.steps_P.copy_(state["steps_P"])


class Lbfgs:
    """Limited-memory BFGS; one evaluation a step, at a trial point that is taken or halved.

    A trial is taken where the loss has fallen enough (Armijo); then the next goes the full way along the new direction.
    The learning rate bounds the first step of a row: no unknown moves further.

    Source:
        Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 and 3.1.
    """

    monotone = True
    memory = 10  # steps
    sufficient = 1e-4  # share of the expected fall
    smallest = 1e-6  # of a full step; then the row starts afresh along its gradient

    def __init__(self, values: Sequence[Tensor]) -> None:
        places, unknowns = len(values[0]), _flat(values).shape[1]
        like = values[0]
        self.point_PU, self.gradient_PU, self.direction_PU = (like.new_zeros(places, unknowns) for _ in range(3))
        self.moves_PMU, self.changes_PMU = (like.new_zeros(places, self.memory, unknowns) for _ in range(2))
        self.inverse_PM = like.new_zeros(places, self.memory)  # 1 / (move . change); 0 where nothing is remembered
        self.loss_P = like.new_full((places,), torch.inf)
        self.length_P = like.new_zeros(places)

    def move(
        self, values: Sequence[Tensor], gradients: Sequence[Tensor], loss_P: Tensor, rate_P: Tensor, moves_P: Tensor
    ) -> None:
        loss_P, here_PU, gradient_PU = loss_P.nan_to_num(torch.inf), _flat(values), _flat(gradients)
        fresh_P = torch.isinf(self.loss_P)
        expected_P = self.sufficient * self.length_P * (self.gradient_PU * self.direction_PU).sum(dim=1)
        taken_P = moves_P & (fresh_P | (loss_P <= self.loss_P + expected_P))
        self._remember(taken_P & ~fresh_P, here_PU - self.point_PU, gradient_PU - self.gradient_PU)
        for own, new in ((self.point_PU, here_PU), (self.gradient_PU, gradient_PU)):
            own.copy_(torch.where(taken_P[:, None], new, own))
        self.loss_P = torch.where(taken_P, loss_P, self.loss_P)
        self.length_P = torch.where(taken_P, 1.0, self.length_P / 2)
        lost_P = moves_P & ~taken_P & (self.length_P < self.smallest)
        self.inverse_PM[lost_P] = 0
        afresh_P = (taken_P | lost_P) & ~self.inverse_PM.any(dim=1)
        turned_P = taken_P | lost_P
        self.direction_PU = torch.where(turned_P[:, None], self._direction(), self.direction_PU)
        steepest_P = self.gradient_PU.abs().amax(dim=1).clamp_min(torch.finfo(loss_P.dtype).tiny)
        self.length_P = torch.where(afresh_P, rate_P.to(loss_P.dtype) / steepest_P, self.length_P)
        self._put(values, self.point_PU + self.length_P[:, None] * self.direction_PU, moves_P)

    def _remember(self, rows_P: Tensor, move_PU: Tensor, change_PU: Tensor) -> None:
        """Keep a step of the rows, if the gradient grew along it; the oldest goes."""
        product_P = (move_PU * change_PU).sum(dim=1)
        kept_P = rows_P & (product_P > 1e-10 * change_PU.square().sum(dim=1))
        for own, new in ((self.moves_PMU, move_PU), (self.changes_PMU, change_PU)):
            own.copy_(torch.where(kept_P[:, None, None], torch.cat([own[:, 1:], new[:, None]], dim=1), own))
        shifted = torch.cat([self.inverse_PM[:, 1:], (1 / product_P)[:, None]], dim=1)
        self.inverse_PM = torch.where(kept_P[:, None], shifted, self.inverse_PM)

    def _direction(self) -> Tensor:
        """The two-loop recursion: minus the remembered inverse Hessian times the gradient."""
        q_PU, shares = self.gradient_PU.clone(), []
        for m in reversed(range(self.memory)):
            share_P = self.inverse_PM[:, m] * (self.moves_PMU[:, m] * q_PU).sum(dim=1)
            q_PU = q_PU - share_P[:, None] * self.changes_PMU[:, m]
            shares.append(share_P)
        newest_P = self.inverse_PM[:, -1] * self.changes_PMU[:, -1].square().sum(dim=1)
        q_PU = torch.where(newest_P[:, None] > 0, q_PU / newest_P[:, None], q_PU)
        for m, share_P in enumerate(reversed(shares)):
            back_P = self.inverse_PM[:, m] * (self.changes_PMU[:, m] * q_PU).sum(dim=1)
            q_PU = q_PU + (share_P - back_P)[:, None] * self.moves_PMU[:, m]
        return -q_PU

    @staticmethod
    def _put(values: Sequence[Tensor], flat_PU: Tensor, rows_P: Tensor) -> None:
        parts = flat_PU.split([value[0].numel() for value in values], dim=1)
        for value, part in zip(values, parts, strict=True):
            value.copy_(torch.where(along(rows_P, value), part.view_as(value), value))

    def clear(self, place: int) -> None:
        self.loss_P[place] = torch.inf
        self.inverse_PM[place] = 0

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, tensor in state.items():
            setattr(self, name, tensor.to(self.loss_P.device))


def along(mask_P: Tensor, tensor: Tensor) -> Tensor:
    """One value a row, shaped to be applied to all elements of the rows of `tensor`."""
    return mask_P.view(-1, *[1] * (tensor.dim() - 1))


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten(1) for tensor in tensors], dim=1)


OPTIMISERS: dict[str, type[Adam] | type[Lbfgs]] = {"adam": Adam, "lbfgs": Lbfgs}
