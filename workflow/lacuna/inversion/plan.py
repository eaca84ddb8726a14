"""How long and how fast an optimiser runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """Steps and learning rate of one run.

    milestones: shares of the steps, in (0, 1), after each of which the learning rate is multiplied by `decay`.
    log_every, checkpoint_every: steps between two rows of the log, between two saved states.
    """

    steps: int
    learning_rate: float
    milestones: tuple[float, ...]
    decay: float
    log_every: int
    checkpoint_every: int

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        passed = sum(step >= milestone * self.steps for milestone in self.milestones)
        return self.learning_rate * float(self.decay**passed)


def plan_from(settings: Mapping[str, Any], steps: int, learning_rate: float) -> Plan:
    """The plan of `settings`, with steps and learning rate given beside it."""
    return Plan(
        steps=steps,
        learning_rate=learning_rate,
        milestones=tuple(settings["milestones"]),
        decay=settings["decay"],
        log_every=settings["log_every"],
        checkpoint_every=settings["checkpoint_every"],
    )
