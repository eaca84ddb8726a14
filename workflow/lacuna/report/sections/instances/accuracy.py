"""How well each method inverts, as a table: a quantity a row, a method a column, chance beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CHANCE = "chance_"
NAMES = {"pixel_l1": "pixel error, L1", "perceptual_l1": "feature error, L1"}


@dataclass(frozen=True)
class Cell:
    """A mean over images with its interval, and what two different images have in common; NaN where not known."""

    mean: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Accuracy:
    """The table of one inverted source; a cell is None where a method has no such quantity."""

    methods: list[str]
    rows: list[tuple[str, list[Cell | None]]]
    num_images: int


def view(found: Sequence[Mapping[str, str]]) -> Accuracy:
    """Arrange the rows of an evaluation."""
    means = {(row["quantity"], row["method"]): row for row in found}
    methods = list(dict.fromkeys(row["method"] for row in found))
    quantities = [name for name in dict.fromkeys(row["quantity"] for row in found) if not name.startswith(CHANCE)]
    rows = [(label(quantity), [_cell(means, quantity, method) for method in methods]) for quantity in quantities]
    return Accuracy(methods, rows, max((int(row["num_images"]) for row in found), default=0))


def label(quantity: str) -> str:
    """A quantity for people: `correlation_r_4` is the correlation of r_4 with the truth."""
    if quantity.startswith("correlation_"):
        return f"correlation of {quantity.removeprefix('correlation_')} with the truth"
    return NAMES.get(quantity, quantity.replace("_", " "))


def _cell(means: Mapping[tuple[str, str], Mapping[str, str]], quantity: str, method: str) -> Cell | None:
    row = means.get((quantity, method))
    if row is None:
        return None
    chance = means.get((CHANCE + quantity, method))
    return Cell(
        float(row["mean"]), float(row["low"]), float(row["high"]), float(chance["mean"]) if chance else float("nan")
    )
