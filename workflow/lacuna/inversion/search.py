"""The search for images: one Adam over a batch, each image with unknowns, loss and failure of its own.

Shape suffixes: N images, D latent numbers, S rows of the log, T terms.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.inversion.layers import path
from lacuna.inversion.objective import TERMS, Objective
from lacuna.inversion.plan import Plan
from lacuna.kit import command
from lacuna.kit.interruption import deferred_termination

log = logging.getLogger(__name__)
CONVERGENCE_WINDOW = 0.2  # last share of the steps, over which the fall of the loss is judged


@dataclass
class Unknowns:
    """Where the search stands: z of each image, d_k (N, ...) by layer k, and whether z may move, too."""

    z_ND: Tensor
    residuals: dict[int, Tensor]
    z_moves: bool

    @property
    def free(self) -> list[Tensor]:
        """What the search moves."""
        return [*([self.z_ND] if self.z_moves else []), *self.residuals.values()]


@dataclass(frozen=True)
class Trace:
    """Loss of each image over the steps: `loss_NST`, rows at `steps`, NaN from where an image was given up."""

    steps: list[int]
    loss_NST: Tensor


def reconstruct(head: nn.Sequential, tail: nn.Sequential, unknowns: Unknowns) -> tuple[list[Tensor], Tensor]:
    """r_1, ..., r_n and x_hat."""
    r = path(head, unknowns.z_ND, unknowns.residuals)
    return r, tail(r[-1])


def search(
    head: nn.Sequential,
    tail: nn.Sequential,
    unknowns: Unknowns,
    objective: Objective,
    plan: Plan,
    index: Sequence[int],
    state: Mapping[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] = lambda state: None,
) -> Trace:
    """Move `unknowns` so that the objective falls; an image whose loss is not finite keeps its last good values.

    Args:
        index: number of each image, for messages.
        state: what `save` was given by a run that was broken off, or None.

    Raises:
        command.Terminated: SIGTERM came; the state has been saved.
    """
    run = Run(unknowns, plan, index)
    if state is not None:
        run.load_state_dict(state)
    remaining = range(run.step, plan.steps)
    with deferred_termination() as terminated, command.progress(remaining, desc="invert", unit="step") as bar:
        for _ in bar:
            _, x_hat_N3HW = reconstruct(head, tail, unknowns)
            run.move(objective.terms(x_hat_N3HW, unknowns.residuals))
            if terminated() or (run.step % plan.checkpoint_every == 0 and run.step < plan.steps):
                save(run.state_dict())
            if terminated():
                raise command.Terminated
    with torch.no_grad():
        _, x_hat_N3HW = reconstruct(head, tail, unknowns)
        run.judge(objective.terms(x_hat_N3HW, unknowns.residuals))
    run.restore()
    return Trace(run.steps, torch.stack(run.rows, dim=1))


class Run:
    """The search between two steps: unknowns, their last good values, optimiser, log."""

    def __init__(self, unknowns: Unknowns, plan: Plan, index: Sequence[int]) -> None:
        self.free = [tensor.requires_grad_() for tensor in unknowns.free]
        self.plan, self.index = plan, index
        self.optimiser = torch.optim.Adam(self.free, lr=plan.learning_rate) if self.free else None
        self.good = [tensor.detach().clone() for tensor in self.free]
        self.failed_N = torch.zeros(len(index), dtype=torch.bool, device=unknowns.z_ND.device)
        self.step = 0
        self.steps: list[int] = []
        self.rows: list[Tensor] = []

    def move(self, terms_NT: Tensor) -> None:
        """One step of Adam down the sum of the images' losses."""
        assert self.optimiser is not None
        self.judge(terms_NT.detach())
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate(self.step)
        self.optimiser.zero_grad(set_to_none=True)
        torch.where(self.failed_N, 0, terms_NT[:, 0]).sum().backward()
        self.optimiser.step()
        self.restore()
        self.step += 1

    def judge(self, terms_NT: Tensor) -> None:
        """Log the terms where a row is due, give up images whose loss is not finite, remember the others' values."""
        lost_N = ~torch.isfinite(terms_NT[:, 0]) & ~self.failed_N
        for row in torch.nonzero(lost_N)[:, 0].tolist():
            log.warning(
                "image %d: loss is %s at step %d; it keeps its last good values, those of step %s",
                self.index[row], float(terms_NT[row, 0]), self.step, self.step - 1 if self.step else "none: its start",
            )  # fmt: skip
        self.failed_N = self.failed_N | lost_N
        with torch.no_grad():
            for good, tensor in zip(self.good, self.free, strict=True):
                good.copy_(torch.where(_along(self.failed_N, tensor), good, tensor))
        if self.step % self.plan.log_every == 0 or self.step == self.plan.steps:
            self.steps.append(self.step)
            self.rows.append(torch.where(self.failed_N[:, None], torch.nan, terms_NT.detach()))

    def restore(self) -> None:
        """Put the images that were given up back to their last good values."""
        if self.failed_N.any():
            with torch.no_grad():
                for good, tensor in zip(self.good, self.free, strict=True):
                    tensor.copy_(torch.where(_along(self.failed_N, tensor), good, tensor))

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "free": [tensor.detach() for tensor in self.free], "good": self.good, "failed_N": self.failed_N,
            "optimiser": self.optimiser.state_dict() if self.optimiser else {},
            "step": self.step, "steps": self.steps, "rows": self.rows,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        with torch.no_grad():
            for tensor, saved in zip([*self.free, *self.good], [*state["free"], *state["good"]], strict=True):
                tensor.copy_(saved)
        self.failed_N = state["failed_N"].to(self.failed_N.device)
        if self.optimiser:
            self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.steps = int(state["step"]), list(state["steps"])
        self.rows = [row.to(self.failed_N.device) for row in state["rows"]]


def has_converged(trace: Trace, tolerance: float) -> Tensor:
    """Whether the last fifth of the steps made at most the share `tolerance` of the whole fall of the loss: (N,).

    Measured against the whole fall, not against what is left, which is next to nothing for a generator's own samples.
    False for an image that was given up; without a search, true.
    """
    total_NS = trace.loss_NST[:, :, TERMS.index("total")]
    rows = [row for row, step in enumerate(trace.steps) if step <= (1 - CONVERGENCE_WINDOW) * trace.steps[-1]]
    before_N, after_N = total_NS[:, rows[-1]], total_NS[:, -1]
    return torch.isfinite(after_N) & (before_N - after_N <= tolerance * (total_NS[:, 0] - after_N))


def _along(mask_N: Tensor, tensor: Tensor) -> Tensor:
    return mask_N.view(-1, *[1] * (tensor.dim() - 1))
