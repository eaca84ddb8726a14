"""The one training loop: it counts images, logs means, saves and goes on, and stops where numbers are no numbers.

Step k sees batch k, which depends on k alone, and the state holds all else, so a training that was broken off ends as
one that never was; on a CPU in the same bits.
"""

import logging
import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lacuna.errors import diverged
from lacuna.formats import checkpoints, tables
from lacuna.runtime import command, interruption

log = logging.getLogger(__name__)
Row = dict[str, float]
AHEAD = 2  # batches that are made while a step is computed


@dataclass
class Journal:
    """How far a training has come, and what it wrote down: means of its numbers between the rows of its log.

    sums: name -> [sum, count] since the last row, in float64; on the device until they are looked at, so that no step
        waits for it.
    seconds: of all steps, interruptions left out.
    """

    step: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    sums: dict[str, list[Any]] = field(default_factory=dict)
    row_step: int = 0  # at the last row, as are the seconds
    row_seconds: float = 0.0

    def add(self, numbers: Mapping[str, Tensor]) -> None:
        """Note one step."""
        for name, number in numbers.items():
            total = self.sums.setdefault(name, [0.0, 0])
            total[0] = total[0] + number.detach().double()
            total[1] += 1
        self.step += 1

    def settle(self) -> None:
        """Wait for the device: sums become plain numbers."""
        self.sums = {name: [float(total), count] for name, (total, count) in self.sums.items()}

    @property
    def means(self) -> Row:
        """Means since the last row; nothing where there was no step."""
        return {name: float(total) / count for name, (total, count) in self.sums.items()}

    def end_row(self, row: Row) -> None:
        """Close a row of the log."""
        self.rows.append(row)
        self.sums, self.row_step, self.row_seconds = {}, self.step, self.seconds
        log.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))


class Training(ABC):
    """What is trained, how a step goes, and what of it is worth a row of the log.

    Attributes:
        name: for messages, such as `generator church`.
        parts: all that steps change, by name: networks, optimizers, schedules, streams of random numbers.
        steps: in all.
        images_per_step: images, or samples, that each sees.
        log_interval: images between two rows of the log.
        advice: what to do when it diverges.
    """

    name: str
    parts: Mapping[str, Any]
    steps: int
    images_per_step: int
    log_interval: int
    advice = "lower learning_rate"

    @abstractmethod
    def batch(self, step: int) -> Any:
        """What step `step`, from 0, sees. It is made on the CPU, in a thread, while an earlier step is computed."""

    @abstractmethod
    def step(self, step: int, batch: Any) -> Mapping[str, Tensor]:
        """Learn from one batch; returns losses, and other numbers that are to be logged, before the step."""

    @abstractmethod
    def row(self, journal: Journal) -> Row:
        """A row of the log, from the means since the last one, and what the networks are worth by now."""

    def begin(self) -> None:  # noqa: B027 (nothing for most)
        """What is to be done before a training that does not go on from a state."""

    def has_row(self, done: int) -> bool:
        """Whether the log gets a row after so many steps."""
        return self.passes(self.log_interval, done) or 0 < done == self.steps

    def after_step(self, done: int) -> None:  # noqa: B027 (nothing for most)
        """What else is due after so many steps."""

    def passes(self, interval: int, done: int) -> bool:
        """Whether the last of so many steps has come to the next multiple of an interval in images."""
        images = done * self.images_per_step
        return done > 0 and images // interval > (images - self.images_per_step) // interval

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` puts back."""
        return {
            name: part.state_dict() if hasattr(part, "state_dict") else part.get_state()  # of random numbers
            for name, part in self.parts.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, part in self.parts.items():
            (part.load_state_dict if hasattr(part, "load_state_dict") else part.set_state)(state[name])


def run(training: Training, state_path: str | Path, key: Mapping[str, Any], log_path: str | Path) -> Journal:
    """Train to the end, and leave the state and the log there.

    A state is saved by the clock, on SIGTERM and at the end, the log written at each of its rows.

    Args:
        key: what a state must agree with to be gone on from.

    Raises:
        UserError: a number or a weight is not finite. It is looked at only where the log gets a row or a state is
            saved, so that no step waits for the device because of it; the last state is kept.
        command.Terminated: SIGTERM came; the state has been saved.
    """
    journal = resumed(training, state_path, key)
    due = interruption.Clock()

    def save() -> None:
        check(training, journal)
        state = {"journal": vars(journal), "parts": training.state_dict()}
        checkpoints.save_training(state_path, state, key)

    def end_row() -> None:
        journal.end_row(training.row(journal))
        write_log()

    def write_log() -> None:
        columns = list(journal.rows[0] if journal.rows else training.row(journal))
        tables.write_tsv(log_path, columns, [list(row.values()) for row in journal.rows])

    if not journal.rows and training.has_row(journal.step):
        end_row()
    steps = range(journal.step, training.steps)
    bar = command.progress(steps, desc=training.name, unit="step")
    with interruption.deferred_termination() as terminated, closing(read_ahead(training.batch, steps)) as batches:
        for step, batch in zip(bar, batches, strict=True):
            begun = time.monotonic()
            journal.add(training.step(step, batch))
            has_row = training.has_row(journal.step)
            if has_row:
                check(training, journal)
            journal.seconds += time.monotonic() - begun
            if has_row:
                end_row()
            training.after_step(journal.step)
            if due() or terminated() or journal.step == training.steps:
                save()
            if terminated():
                raise command.Terminated
    write_log()  # none was, where the training was shorter than an interval, or had ended before
    return journal


def resumed(training: Training, state_path: str | Path, key: Mapping[str, Any]) -> Journal:
    """Put the state at `state_path` into `training`, where there is one of this key; its journal, or a new one."""
    state = checkpoints.load_training(state_path, key)
    if state is None:
        training.begin()
        return Journal()
    training.load_state_dict(state["parts"])
    journal = Journal(**state["journal"])
    log.info("%s: going on after %d images", state_path, journal.step * training.images_per_step)
    return journal


def check(training: Training, journal: Journal) -> None:
    """Raise a UserError if a number since the last row, or a weight by now, is not finite."""
    journal.settle()
    for name, mean in journal.means.items():
        if not math.isfinite(mean):
            raise diverged(training.name, name, mean, journal.step, training.advice)
    networks = (part for part in training.parts.values() if isinstance(part, nn.Module))
    weights = [weight.detach() for network in networks for weight in network.parameters()]
    if weights and not bool(torch.stack([torch.isfinite(weight).all() for weight in weights]).all()):
        raise diverged(training.name, "a weight", "NaN or infinite", journal.step, training.advice)


def read_ahead(batch: Callable[[int], Any], steps: range) -> Generator[Any]:
    """The batches of `steps` in order, made by a thread."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = deque(reader.submit(batch, step) for step in steps[:AHEAD])
        for step in steps:
            found = coming.popleft().result()
            if step + AHEAD < steps.stop:
                coming.append(reader.submit(batch, step + AHEAD))
            yield found
