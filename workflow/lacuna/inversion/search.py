"""The search for images: a batch of places, each with an image of its own, its own step and its own end.

An image that has ended leaves its place to the next one; the batch keeps its size, so no bit of what is found for an
image depends on the others, on how many there are or on when they end.

Shape suffixes: N images, P places, S rows of the log, T terms.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.inversion.adam import Adam, along
from lacuna.inversion.methods import How
from lacuna.inversion.objective import TERMS, Objective
from lacuna.inversion.unknowns import Found, Start, Unknowns, reconstruct
from lacuna.runtime import command
from lacuna.runtime.interruption import Clock, deferred_termination
from lacuna.runtime.precision import autocast

log = logging.getLogger(__name__)
TOTAL = TERMS.index("total")
PLAIN = ("rows", "steps", "forward", "since", "loss_NST", "failed", "next")  # of a search's state: not on its device


class Search:
    """The search for N images in P places.

    Args:
        start: row of an image -> where its search begins.
        index: number of each image, for messages.
    """

    def __init__(
        self, head: nn.Sequential, tail: nn.Sequential, objective: Objective, how: How, start: Callable[[int], Start],
        index: Sequence[int], places: int,
    ) -> None:  # fmt: skip
        self.head, self.tail, self.objective, self.how = head, tail, objective, how
        self.start, self.index, self.plan = start, index, how.plan
        first = start(0)
        self.x_P3HW = first.x_13HW.repeat(places, 1, 1, 1)
        with torch.no_grad(), self._arithmetic():
            self.features = [level.repeat(places, 1, 1, 1) for level in objective.features(first.x_13HW)]
        self.unknowns = first.unknowns.repeated(places)
        self.optimizer = Adam(self.unknowns.free) if self.unknowns.free else None
        self.best = [tensor.clone() for tensor in self.unknowns.tensors]  # the last good values
        self.best_PT = self.x_P3HW.new_full((places, len(TERMS)), torch.inf)
        self.rows: list[int | None] = [None] * places  # of the image in each place
        self.steps, self.forward, self.since = ([0] * places for _ in range(3))  # and since when its rate is constant
        self.loss_NST = torch.full((len(index), len(self.plan.logged()), len(TERMS)), torch.nan)
        self.found: dict[int, list[Tensor]] = {}  # image -> its unknowns
        self.failed: list[int] = []  # images whose loss was not finite
        self.next = 0

    def run(self, save: Callable[[dict[str, Any]], None] = lambda state: None) -> list[Found]:
        """Search until every image has ended.

        Raises:
            command.Terminated: SIGTERM came; the state has been saved.
        """
        due = Clock()
        with deferred_termination() as terminated:
            for _ in command.progress(self._steps(), desc="invert", unit="step"):
                if due() or terminated():
                    save(self.state_dict())
                if terminated():
                    raise command.Terminated
        return [self._result(row) for row in range(len(self.index))]

    def _steps(self) -> Iterator[None]:
        while True:
            for place, row in enumerate(self.rows):
                if row is None and self.next < len(self.index):
                    self._fill(place)
            if not any(row is not None for row in self.rows):
                return
            with torch.enable_grad(), self._arithmetic():
                for tensor in self.unknowns.free:
                    tensor.requires_grad_()
                _, x_hat_P3HW = reconstruct(self.head, self.tail, self.unknowns)
                terms_PT = self.objective.terms(x_hat_P3HW, self.unknowns.residuals, self.x_P3HW, self.features)
            self._judge(terms_PT.detach())
            if self.optimizer is not None and any(row is not None for row in self.rows):
                self._move(terms_PT)
            yield

    def _arithmetic(self) -> torch.autocast:
        return autocast(self.how.precision, self.x_P3HW.device)

    def _fill(self, place: int) -> None:
        """Put the next image into a place."""
        start = self.start(self.next)
        with torch.no_grad(), self._arithmetic():
            for tensor, new in zip(self.unknowns.tensors, start.unknowns.tensors, strict=True):
                tensor[place] = new[0]
            for level, new in zip(self.features, self.objective.features(start.x_13HW), strict=True):
                level[place] = new[0]
        self.x_P3HW[place] = start.x_13HW[0]
        self.rows[place], self.steps[place], self.forward[place], self.since[place] = self.next, 0, 0, 0
        self.best_PT[place] = torch.inf
        if self.optimizer is not None:
            self.optimizer.clear(place)
        self.next += 1

    @torch.no_grad()
    def _judge(self, terms_PT: Tensor) -> None:
        """Keep the values that are good, log where a row is due, and end the images that are done."""
        good_P = torch.isfinite(terms_PT[:, TOTAL])
        self.best_PT = torch.where(good_P[:, None], terms_PT, self.best_PT)
        for best, tensor in zip(self.best, self.unknowns.tensors, strict=True):
            best.copy_(torch.where(along(good_P, tensor), tensor, best))
        for place, row in enumerate(self.rows):
            if row is not None and (not self._logged(place, row, terms_PT[place]) or self._ended(place, row)):
                self.found[row] = [best[place : place + 1].clone() for best in self.best]
                self.rows[place] = None

    def _logged(self, place: int, row: int, terms_T: Tensor) -> bool:
        """Log an image's terms; False where its loss is not finite, which ends it."""
        step = self.steps[place]
        if not torch.isfinite(terms_T[TOTAL]):
            log.warning(
                "image %d: loss is %s at step %d; it keeps its last good values, those of step %s",
                self.index[row], float(terms_T[TOTAL]), step,
                f"{step - 1}, loss {float(self.best_PT[place, TOTAL]):.4g}" if step else "none: its start",
            )  # fmt: skip
            if not step:
                for best, tensor in zip(self.best, self.unknowns.tensors, strict=True):
                    best[place] = tensor[place]
            self.failed.append(row)
            return False
        if step % self.plan.log_every == 0 or step == self.plan.steps:
            self.loss_NST[row, self.plan.logged().index(step)] = self.best_PT[place].float().cpu()
        return True

    def _ended(self, place: int, row: int) -> bool:
        """Whether an image has had its steps, or rests on a plateau behind the last milestone."""
        step, patience = self.steps[place], self.how.patience
        if step >= self.plan.steps:
            return True
        passed = max(self.forward[place], self.plan.passed(step))
        if passed > self.forward[place]:
            self.forward[place], self.since[place] = passed, step
        window = -(-patience.steps // self.plan.log_every)  # rows
        if not window or step % self.plan.log_every or step - self.since[place] < window * self.plan.log_every:
            return False
        loss_S, now = self.loss_NST[row, :, TOTAL], step // self.plan.log_every
        if not patience.is_over(float(loss_S[now - window]), float(loss_S[now]), float(loss_S[0])):
            return False
        self.forward[place], self.since[place] = passed + 1, step
        return passed >= len(self.plan.milestones)

    def _move(self, terms_PT: Tensor) -> None:
        assert self.optimizer is not None
        moves_P = torch.tensor([row is not None for row in self.rows], device=terms_PT.device)
        total_P, free = torch.where(moves_P, terms_PT[:, TOTAL], 0), self.unknowns.free
        gradients = torch.autograd.grad(total_P.sum(), free)
        rates = [self.plan.rate(step, forward) for step, forward in zip(self.steps, self.forward, strict=True)]
        with torch.no_grad():
            rate_P = torch.tensor(rates, dtype=torch.float64, device=terms_PT.device)
            self.optimizer.move(free, gradients, rate_P, moves_P)
        self.steps = [step + (row is not None) for step, row in zip(self.steps, self.rows, strict=True)]

    def _result(self, row: int) -> Found:
        z_1D, *residuals = self.found[row]
        moved = dict(zip(self.unknowns.residuals, residuals, strict=True))
        return Found(Unknowns(z_1D, moved, self.unknowns.z_moves), self.loss_NST[row], row in self.failed)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {name: getattr(self, name) for name in (*PLAIN, "x_P3HW", "features", "best", "best_PT", "found")} | {
            "unknowns": [tensor.detach() for tensor in self.unknowns.tensors],
            "optimizer": self.optimizer.state_dict() if self.optimizer else {},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        own = [self.x_P3HW, self.best_PT, *self.features, *self.best, *self.unknowns.tensors]
        saved = [state["x_P3HW"], state["best_PT"], *state["features"], *state["best"], *state["unknowns"]]
        with torch.no_grad():
            for tensor, value in zip(own, saved, strict=True):
                tensor.copy_(value)
        for name in PLAIN:
            setattr(self, name, state[name])
        device = self.x_P3HW.device
        self.found = {row: [tensor.to(device) for tensor in tensors] for row, tensors in state["found"].items()}
        if self.optimizer is not None:
            self.optimizer.load_state_dict(state["optimizer"])
