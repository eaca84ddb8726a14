"""The training loop of an encoder part.

Step i draws its latents from (seed, part, i) alone and the state holds all else, so a resumed training equals one that
was never broken off, bit by bit.
Shape suffixes: N images, D latent numbers.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import diverged
from lacuna.inversion.correlation import pearson
from lacuna.inversion.methods import Plan
from lacuna.inversion.pairs import EVERY, Loss, PairsOf, weighted_loss
from lacuna.runtime import command
from lacuna.runtime.interruption import deferred_termination
from lacuna.runtime.precision import autocast

Row = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What to train: an encoder, the pairs that it should make equal, what each counts, and latents.

    precision: of the networks while training; weights, losses and validation are float32.
    name: of what is trained, for the progress bar and for messages.
    """

    encoder: nn.Module
    pairs: PairsOf
    losses: Mapping[str, Loss]
    latents: Callable[[int], Tensor]  # step -> z (N, D)
    validation: Tensor  # z (N, D), fixed
    precision: str = "float32"
    name: str = ""


def train(task: Task, plan: Plan, state: Mapping[str, Any] | None, save: Callable[[dict[str, Any]], None]) -> list[Row]:
    """Train in place and return the log, a row every `log_every` steps: training loss since the last, validation.

    Args:
        state: what `save` was given in an earlier run, or None to start anew.

    Raises:
        UserError: the loss is not finite.
        command.Terminated: SIGTERM came; the state has been saved.
    """
    rows: list[Row] = []
    if not list(task.encoder.parameters()):  # it only hands on what a layer handed on: there is nothing to learn
        return [{"step": 0, "training_loss": float("nan"), **validate(task)}]
    optimizer = torch.optim.Adam(task.encoder.parameters(), lr=plan.learning_rate)
    first, running = 0, 0.0
    if state is not None:
        task.encoder.load_state_dict(state["encoder"])
        optimizer.load_state_dict(state["optimizer"])
        rows, first, running = list(state["rows"]), int(state["step"]), float(state["running"])
    else:
        rows.append({"step": 0, "training_loss": float("nan"), **validate(task)})
    with (
        deferred_termination() as terminated,
        command.progress(range(first, plan.steps), desc=task.name, unit="step") as bar,
    ):
        for step in bar:
            running += _step(task, optimizer, plan.rate(step), step)
            done = step + 1
            if done % plan.log_every == 0 or done == plan.steps:
                since = done - int(rows[-1]["step"])
                rows.append({"step": done, "training_loss": running / since, **validate(task)})
                _check(rows[-1]["validation_loss"], "validation loss", done, task.name)
                running = 0.0
            if (done % plan.checkpoint_every == 0 and done < plan.steps) or terminated():
                save(_state(task, optimizer, rows, done, running))
            if terminated():
                raise command.Terminated
    return rows


@torch.no_grad()
def validate(task: Task) -> Row:
    """On the fixed latents: the loss, and for each pair the mean absolute error and the correlation."""
    task.encoder.eval()
    pairs = task.pairs(task.encoder, task.validation, EVERY)
    row = {"validation_loss": float(weighted_loss(pairs, task.losses))}
    row |= {f"error_{name}": float((a - b).abs().mean()) for name, (a, b) in pairs.items()}
    return row | {f"correlation_{name}": float(pearson(a, b).diagonal().mean()) for name, (a, b) in pairs.items()}


def _step(task: Task, optimizer: torch.optim.Optimizer, rate: float, step: int) -> float:
    """One step of Adam; returns the loss before it."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    wanted = frozenset(name for name, loss in task.losses.items() if loss.weight)
    task.encoder.train()
    optimizer.zero_grad(set_to_none=True)
    with autocast(task.precision, task.validation.device):
        pairs = task.pairs(task.encoder, task.latents(step), wanted)
    if task.precision == "bfloat16":
        pairs = {name: (a.float(), b.float()) for name, (a, b) in pairs.items()}
    loss = weighted_loss(pairs, task.losses)
    value = float(loss.detach())
    _check(value, "loss", step, task.name)
    loss.backward()
    optimizer.step()
    return value


def _check(loss: float, what: str, step: int, name: str) -> None:
    if not math.isfinite(loss):
        raise diverged(f"encoder {name}", what, loss, step)


def _state(task: Task, optimizer: torch.optim.Optimizer, rows: list[Row], done: int, running: float) -> dict[str, Any]:
    return {
        "encoder": task.encoder.state_dict(), "optimizer": optimizer.state_dict(), "rows": rows, "step": done,
        "running": running,
    }  # fmt: skip
