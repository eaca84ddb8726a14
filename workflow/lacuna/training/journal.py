"""What a training writes down as it goes: means of its numbers over intervals of real images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lacuna.training.schedule import Phase

NUMBERS = (
    "loss_d", "loss_g", "penalty", "score_real", "score_generated", "class_loss_real", "class_loss_generated",
)  # fmt: skip
COLUMNS = ("images", "size", "alpha", *NUMBERS, "images_per_s")


@dataclass
class Journal:
    """Rows of the log so far, and the sums of the row that is being made; part of the training state."""

    rows: list[list[float]] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)  # name -> [sum, count]
    images: int = 0  # at the last row
    seconds: float = 0.0  # of the whole training, interruptions left out
    row_seconds: float = 0.0

    def add(self, numbers: Mapping[str, float], seconds: float) -> None:
        """Note one step."""
        for name, number in numbers.items():
            total = self.sums.setdefault(name, [0.0, 0])
            total[0] += number
            total[1] += 1
        self.seconds += seconds
        self.row_seconds += seconds

    def end_row(self, images: int, phase: Phase) -> None:
        """Close a row after `images` real images."""
        means = [self.sums[name][0] / self.sums[name][1] if name in self.sums else math.nan for name in NUMBERS]
        rate = (images - self.images) / max(self.row_seconds, 1e-9)
        self.rows.append([images, phase.size, phase.alpha, *means, rate])
        self.images, self.row_seconds, self.sums = images, 0.0, {}

    def has_collapsed(self, rows: int = 10, loss: float = 1e-3) -> bool:
        """Whether the discriminator has had nothing left to learn for the last `rows` rows."""
        column = COLUMNS.index("loss_d")
        return len(self.rows) >= rows and all(abs(row[column]) < loss for row in self.rows[-rows:])

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))
