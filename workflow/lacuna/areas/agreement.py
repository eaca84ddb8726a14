"""What two segmenters agree on: classes matched by name, verdicts side by side, and how alike they label pixels.

A claim that two independent segmenters make is stronger than one's. Where they agree less on generated images than on
real ones, at least one of them is out of its depth there, and what it says of them is worth less.

Shape suffixes: N images, M matched classes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

OUT_OF_DEPTH = 0.5  # of the overlap on real images, under which a class's verdict is cautioned
RESAMPLES = 1000
COLUMNS = (
    "class", "partner", "verdict", "partner_verdict", "both", "relative_delta", "partner_relative_delta",
    "real_overlap", "generated_overlap", "caution",
)  # fmt: skip
CAUTION = "labels overlap less on generated images"


@dataclass(frozen=True)
class Overlap:
    """Pixels that two segmenters give to each pair of matched classes, over all images of a source.

    first, second, both: (M,) int64; what the first, the second and both of them give to it.
    share: (N,) float64, of each image the pixels that both give to one class, of those whose labels have partners.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    both: NDArray[np.int64]
    share: NDArray[np.float64]

    @property
    def by_class(self) -> NDArray[np.float64]:
        """(M,) intersection over union of each pair; NaN where neither shows it."""
        union = self.first + self.second - self.both
        return np.divide(self.both, union, out=np.full(len(union), np.nan), where=union > 0)

    def summary(self, rng: np.random.Generator, confidence: float) -> dict[str, float | int | None]:
        """Mean agreement of an image with a bootstrap interval over images."""
        values = self.share[np.isfinite(self.share)]
        if not len(values):
            return {"agreement": None, "low": None, "high": None, "num_images": 0}
        means = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
        low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
        return {"agreement": values.mean().item(), "low": float(low), "high": float(high), "num_images": len(values)}


def matched(first: Sequence[str], second: Sequence[str], synonyms: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of classes of two lists that mean the same, in the order of the first; each class once.

    Names are equal but for case, or share one of the words that a comma or semicolon parts.

    Args:
        synonyms: class of the first -> class of the second; goes before equal names.

    Raises:
        UserError: a synonym that is in neither list.
    """
    for one, other in synonyms.items():
        for name, names, which in ((one, first, "first"), (other, second, "second")):
            if name not in names:
                raise UserError(f"synonyms: found {name!r}, none of the {which} segmenter's classes; correct the name")
    taken = set(synonyms.values())
    found = []
    for name in first:
        partner = synonyms.get(name) or next(
            (other for other in second if other not in taken and _words(other) & _words(name)), None
        )
        if partner is not None:
            taken.add(partner)
            found.append((name, partner))
    return found


def _words(name: str) -> set[str]:
    return {word.strip().lower() for word in re.split("[,;]", name) if word.strip()}


def overlap(
    first_NHW: NDArray[np.integer], second_NHW: NDArray[np.integer], codes: Sequence[NDArray[np.int64]], num_pairs: int
) -> Overlap:
    """Overlap of the labels of two segmenters on the same images.

    Args:
        codes: of each segmenter the pair (1 to M) of each of its classes, 0 where a class has no partner.
    """
    one_NHW, other_NHW = codes[0][first_NHW], codes[1][second_NHW]
    same_NHW = (one_NHW == other_NHW) & (one_NHW > 0)
    known_N = ((one_NHW > 0) & (other_NHW > 0)).sum(axis=(1, 2))
    share_N = np.divide(same_NHW.sum(axis=(1, 2)), known_N, out=np.full(len(known_N), np.nan), where=known_N > 0)
    counted = (one_NHW, other_NHW, np.where(same_NHW, one_NHW, 0))
    first, second, both = (np.bincount(code.ravel(), minlength=num_pairs + 1)[1:] for code in counted)
    return Overlap(first, second, both, share_N)


def joined(parts: Sequence[Overlap]) -> Overlap:
    """The overlap on several batches of images."""
    first, second, both = (sum(getattr(part, name) for part in parts) for name in ("first", "second", "both"))
    return Overlap(first, second, both, np.concatenate([part.share for part in parts]))


def pair_codes(names: Sequence[str], members: Sequence[str]) -> NDArray[np.int64]:
    """The pair (1 to M) of each class of a list; 0 for one without partner."""
    place = {name: number for number, name in enumerate(members, start=1)}
    return np.array([place.get(name, 0) for name in names], dtype=np.int64)


@dataclass(frozen=True)
class Verdict:
    """What one segmenter says of a class."""

    verdict: str
    relative_delta: str


def rows(
    pairs: Sequence[tuple[str, str]],
    verdicts: tuple[Mapping[str, Verdict], Mapping[str, Verdict]],
    real: Mapping[str, float],
    generated: Mapping[str, float],
) -> list[tuple[str | float, ...]]:
    """One row per class, in the order of COLUMNS: pairs first, then what has no partner, of the first and the second.

    Args:
        verdicts: of each segmenter, by class.
        real, generated: overlap of the pairs on either side, by the first's class.
    """
    found: list[tuple[str | float, ...]] = []
    for one, other in pairs:
        said, partner = verdicts[0].get(one), verdicts[1].get(other)
        if said is None or partner is None:
            continue
        both = said.verdict if said.verdict == partner.verdict else "differ"
        on_real, on_generated = real.get(one, np.nan), generated.get(one, np.nan)
        caution = CAUTION if on_generated < OUT_OF_DEPTH * on_real else ""
        found.append(
            (one, other, said.verdict, partner.verdict, both, said.relative_delta, partner.relative_delta,
             on_real, on_generated, caution)
        )  # fmt: skip
    for side in (0, 1):
        paired = {pair[side] for pair in pairs}
        for name, said in verdicts[side].items():
            if name not in paired:
                words, deltas = (said.verdict, ""), (said.relative_delta, "")
                names = (name, "")
                if side == 1:
                    words, deltas, names = words[::-1], deltas[::-1], names[::-1]
                found.append((*names, *words, "single", *deltas, np.nan, np.nan, ""))
    return found


def summary(table: Sequence[tuple[str | float, ...]], names: tuple[str, str]) -> dict[str, object]:
    """What both omit, what only one of them says is omitted, and which classes only one of them knows."""
    entries = [dict(zip(COLUMNS, row, strict=True)) for row in table]
    pairs = [entry for entry in entries if entry["both"] != "single"]
    single = [entry for entry in entries if entry["both"] == "single"]
    return {
        "segmenters": list(names),
        "omitted_by_both": [entry["class"] for entry in pairs if entry["both"] == "omitted"],
        "omitted_only_by": {
            names[0]: [one["class"] for one in pairs if one["verdict"] == "omitted" != one["partner_verdict"]],
            names[1]: [one["class"] for one in pairs if one["partner_verdict"] == "omitted" != one["verdict"]],
        },
        "single": {
            names[0]: [one["class"] for one in single if one["class"]],
            names[1]: [one["partner"] for one in single if one["partner"]],
        },
        "num_pairs": len(pairs),
        "num_equal": sum(entry["verdict"] == entry["partner_verdict"] for entry in pairs),
    }
