"""How often the verdicts are right, on omissions that are planted in a pool of scenes.

Shape suffixes: N scenes of the pool, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .verdicts import BH, VERDICTS, Array, ClassTests, Thresholds, compare_classes, deals, verdicts

CLAIMS = ("omitted", "reduced", "excess")  # verdicts that say that something changed
ROUNDING = 1e-9  # 1 - 0.8 is a little under 0.2


@dataclass(frozen=True)
class Pool:
    """Pixel counts of the same scenes: `whole_NC` with everything, `without_NC` by the object that is left out.

    A scene that does not show an object has its whole row in that object's table.
    """

    whole_NC: NDArray
    without_NC: Mapping[int, NDArray]
    image_px: int


@dataclass(frozen=True)
class Truth:
    """What really changed, each (C,): relative difference of mean area, and ratio of presences."""

    delta: Array
    presence_ratio: Array


@dataclass(frozen=True)
class Rule:
    """Everything that the verdicts depend on but the areas; as the settings of fsd."""

    limits: Thresholds
    presence_percent: float
    confidence: float
    permutations: int
    adjust: str = BH


@dataclass
class Cell:
    """Verdicts of one object at one strength and number of images, counted over `comparisons`.

    words: verdicts of the object itself; claims: changes claimed of any class, and how many of these are true;
    classes: pairs of comparison and class that could have been claimed.
    """

    comparisons: int = 0
    words: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    claims: int = 0
    true_claims: int = 0
    classes: int = 0

    def add(self, words: Sequence[str], right: Sequence[bool], target: int) -> None:
        """Count one comparison."""
        self.comparisons += 1
        self.words[words[target]] += 1
        claimed = [word in CLAIMS for word in words]
        self.claims += sum(claimed)
        self.true_claims += sum(claim and true for claim, true in zip(claimed, right, strict=True))
        self.classes += len(words)

    def share(self, *words: str) -> float:
        """Share of the comparisons in which the object got one of these verdicts."""
        return sum(self.words[word] for word in words) / self.comparisons

    @property
    def precision(self) -> float:
        """Share of the claimed changes that are true; NaN where nothing was claimed."""
        return self.true_claims / self.claims if self.claims else float("nan")

    @property
    def false_positives(self) -> float:
        """Share of the classes of which a change was claimed that is none."""
        return (self.claims - self.true_claims) / self.classes


def found(cell: Cell, strength: float) -> float:
    """Recall: how often the planted omission got the verdict that is due, `omitted` where nothing is left."""
    return cell.share("omitted") if strength == 1 else cell.share("omitted", "reduced")


def thinned(pool: Pool, omitted: int, removed_N: NDArray[np.bool_], rows: NDArray[np.integer]) -> NDArray:
    """Areas of `rows` of the pool, without the object `omitted` in the scenes that `removed_N` names."""
    return np.where(removed_N[rows, None], pool.without_NC[omitted][rows], pool.whole_NC[rows])


def truth(exact: Pool, omitted: int, strength: float, presence_percent: float) -> Truth:
    """What leaving the object out of that share of its scenes does to every class, by the exact labels of the pool."""
    whole, without = exact.whole_NC, exact.without_NC[omitted]
    least = presence_percent / 100 * exact.image_px
    areas = [table.mean(axis=0, dtype=np.float64) for table in (whole, without)]
    presences = [(table > least).mean(axis=0) for table in (whole, without)]
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = strength * (areas[1] / areas[0] - 1)
        ratio = 1 + strength * (presences[1] / presences[0] - 1)
    return Truth(delta, ratio)


def unchanged(num_classes: int) -> Truth:
    """The truth where nothing is left out."""
    return Truth(np.zeros(num_classes), np.ones(num_classes))


def holds(word: str, delta: float, presence_ratio: float, limits: Thresholds) -> bool:
    """Whether what a verdict claims is true; `kept` and `undecided` claim no change."""
    claims = {
        "omitted": presence_ratio < limits.omitted_below - ROUNDING,
        "reduced": delta < -limits.changed_by,
        "excess": delta > limits.changed_by,
    }
    return claims.get(word, True)


def judged(
    real_NC: NDArray, generated_NC: NDArray, image_px: int, known: Truth, rule: Rule, dealt: Sequence[Array]
) -> tuple[list[str], list[bool]]:
    """Verdict of every class, and whether what it claims is true."""
    tests: ClassTests = compare_classes(
        real_NC, generated_NC, image_px, rule.presence_percent, rule.confidence, dealt, rule.adjust
    )
    words = verdicts(tests, rule.limits)
    columns = zip(words, known.delta, known.presence_ratio, strict=True)
    return words, [holds(word, float(delta), float(ratio), rule.limits) for word, delta, ratio in columns]


def null_cells(
    pools: Mapping[str, Pool], num_images: int, comparisons: int, rule: Rule, rng: np.random.Generator
) -> dict[str, list[Cell]]:
    """By kind of areas, a cell for each class: two disjoint samples of the pool, nothing left out.

    All comparisons share the deals of the permutation test: making them would take longer than the tests.
    """
    num_scenes, num_classes = next(iter(pools.values())).whole_NC.shape
    cells = {kind: [Cell() for _ in range(num_classes)] for kind in pools}
    dealt = list(deals(num_images, num_images, rule.permutations, rng))
    for _ in range(comparisons):
        order = rng.permutation(num_scenes)
        real, generated = order[:num_images], order[num_images : 2 * num_images]
        for kind, pool in pools.items():
            sides = pool.whole_NC[real], pool.whole_NC[generated]
            words, _ = judged(*sides, pool.image_px, unchanged(num_classes), rule, dealt)
            for place, cell in enumerate(cells[kind]):
                cell.add(words[place : place + 1], [words[place] not in CLAIMS], 0)
    return cells


def planted_cells(
    pools: Mapping[str, Pool], omitted: int, strength: float, num_images: int, comparisons: int, rule: Rule,
    rng: np.random.Generator,
) -> dict[str, Cell]:  # fmt: skip
    """By kind of areas, the verdicts of one object that is left out of a share of its scenes.

    Real and generated side are disjoint samples of the pool; both kinds of areas see the same scenes. The truth is that
    of the kind `exact`.
    """
    num_scenes = len(pools["exact"].whole_NC)
    known = truth(pools["exact"], omitted, strength, rule.presence_percent)
    cells = {kind: Cell() for kind in pools}
    dealt = list(deals(num_images, num_images, rule.permutations, rng))
    for _ in range(comparisons):
        order = rng.permutation(num_scenes)
        removed_N = rng.random(num_scenes) < strength
        for kind, pool in pools.items():
            real_NC = pool.whole_NC[order[:num_images]]
            generated_NC = thinned(pool, omitted, removed_N, order[num_images : 2 * num_images])
            words, right = judged(real_NC, generated_NC, pool.image_px, known, rule, dealt)
            cells[kind].add(words, right, omitted)
    return cells
