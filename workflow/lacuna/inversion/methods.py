"""The six methods of the paper's comparison: where each starts, what it may move, for how long and how fast.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 4.3 (a to f).
"""

from dataclasses import dataclass

from lacuna.config.inversion import Invert, TrainEncoder


@dataclass(frozen=True)
class Method:
    """A way to invert.

    encoder: part whose z is the start; None for a random start.
    moves: what is optimized from there: `nothing`, `z`, or `residuals` of the layers that the settings name.
    """

    encoder: str | None
    moves: str


METHODS = {
    "z": Method(None, "z"),
    "direct": Method("direct", "nothing"),
    "direct_z": Method("direct", "z"),
    "layered": Method("encoder", "nothing"),
    "layered_z": Method("encoder", "z"),
    "layered_r": Method("encoder", "residuals"),
}


@dataclass(frozen=True)
class Plan:
    """Steps and learning rate of one run.

    milestones: shares of the steps, in (0, 1), after each of which the learning rate is multiplied by `decay`.
    log_every: steps between two rows of the log.
    """

    steps: int
    learning_rate: float
    milestones: tuple[float, ...]
    decay: float
    log_every: int

    def passed(self, step: int) -> int:
        """Milestones that lie before a step, counted from 0."""
        return sum(step >= milestone * self.steps for milestone in self.milestones)

    def rate(self, step: int, brought_forward: int = 0) -> float:
        """Learning rate of a step; as after so many milestones at least."""
        return self.learning_rate * float(self.decay ** max(self.passed(step), brought_forward))

    def logged(self) -> list[int]:
        """Steps that have a row in the log: every so many, and the last."""
        return [*range(0, self.steps, self.log_every), self.steps]


@dataclass(frozen=True)
class Patience:
    """When an image's loss is on a plateau: it fell, over so many steps, by a small share of its whole fall.

    A plateau brings the next milestone of the learning rate forward; after the last, the image stops.
    steps: 0 for never.
    """

    steps: int = 0
    share: float = 0.0

    def is_over(self, loss_then: float, loss_now: float, loss_first: float) -> bool:
        """Whether the loss is on a plateau, from its values at the start, `steps` ago and now."""
        return loss_then - loss_now <= self.share * (loss_first - loss_now)


ENDLESS = Patience()


@dataclass(frozen=True)
class How:
    """How a search goes about it.

    precision: of the networks; unknowns, gradients and loss are float32.
    """

    plan: Plan
    patience: Patience = ENDLESS
    precision: str = "float32"


def plan_from(settings: TrainEncoder | Invert, steps: int, learning_rate: float) -> Plan:
    """The plan of `settings`, with steps and learning rate given beside it."""
    return Plan(steps, learning_rate, tuple(settings.milestones), settings.decay, settings.log_every)
