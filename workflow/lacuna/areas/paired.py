"""Photos beside samples that were drawn from their captions: does the sample show what its photo shows?

And what its prompt asks for by name. Shape suffixes: N pairs, C classes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
IRREGULAR = {"person": "people", "child": "children", "human": "humans", "foot": "feet", "mouse": "mice"}


@dataclass(frozen=True)
class PairedPresence:
    """What pairs say of each class; (C,) each, NaN where nothing can be said.

    Attributes:
        both, photo_only, sample_only: pairs of which both images show the class, or one alone.
        kept, low, high: share of the photos with the class whose samples show it too, and Wilson's interval.
        p: McNemar's exact test of equal presence; two-sided; of classes that any image shows.
        q: corrected over these classes.
    """

    both: NDArray[np.int64]
    photo_only: NDArray[np.int64]
    sample_only: NDArray[np.int64]
    kept: Array
    low: Array
    high: Array
    p: Array
    q: Array


def compare_pairs(photo_NC: Flags, sample_NC: Flags, confidence: float) -> PairedPresence:
    """Compare presence within pairs, class by class.

    A pair whose images agree says nothing about a difference; of those that do not, either image is the one with the
    class equally often if the two sides show it equally often.

    Source:
        McNemar 1947, Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages; the
        exact test is that of a binomial proportion of 1/2. Benjamini and Hochberg 1995 for q.
    """
    both = (photo_NC & sample_NC).sum(axis=0)
    photo_only = (photo_NC & ~sample_NC).sum(axis=0)
    sample_only = (~photo_NC & sample_NC).sum(axis=0)
    p, q = np.full(len(both), np.nan), np.full(len(both), np.nan)
    tested = np.flatnonzero(both + photo_only + sample_only)
    if len(tested):
        p[tested] = [mcnemar(int(photo_only[c]), int(sample_only[c])) for c in tested]
        q[tested] = stats.false_discovery_control(p[tested])
    kept, low, high = (np.full(len(both), np.nan) for _ in range(3))
    for c in np.flatnonzero(both + photo_only):
        found = stats.binomtest(int(both[c]), int(both[c] + photo_only[c]))
        interval = found.proportion_ci(confidence, method="wilson")
        kept[c], low[c], high[c] = found.statistic, interval.low, interval.high
    return PairedPresence(both, photo_only, sample_only, kept, low, high, p, q)


def mcnemar(one: int, other: int) -> float:
    """Two-sided p of the exact test, of the numbers of pairs in which only the one or the other side shows a class."""
    return float(stats.binomtest(one, one + other).pvalue) if one + other else 1.0


def asked_for(prompts: Sequence[str], classes: Sequence[str]) -> Flags:
    """Which classes each prompt names: (N, C).

    Whole words count, in singular or plural, whatever their case, of each name that a vocabulary gives a class (`sofa,
    couch, lounge`). Where names overlap the longest counts alone: "traffic light" asks for no light.
    """
    owners: dict[str, list[int]] = {}
    for c, name in enumerate(classes):
        for phrase in {form for word in synonyms(name) for form in forms(word)}:
            owners.setdefault(phrase, []).append(c)
    asked_NC = np.zeros((len(prompts), len(classes)), dtype=bool)
    if owners:
        longest_first = sorted(owners, key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        for n, prompt in enumerate(prompts):
            for found in pattern.findall(_plain(prompt)):
                asked_NC[n, owners[found]] = True
    return asked_NC


def synonyms(name: str) -> list[str]:
    """The names that a vocabulary gives a class in one, `door;double door` or `car, auto`; no notes in brackets."""
    parts = re.split(r"[,;]", re.sub(r"\(.*?\)", " ", name))
    return [plain for part in parts if re.search(r"\w", plain := _plain(part))]


def forms(phrase: str) -> Iterator[str]:
    """A phrase in singular and plural; its last word is what changes."""
    yield phrase
    start, _, word = phrase.rpartition(" ")
    before = f"{start} " if start else ""
    if word in IRREGULAR:
        yield before + IRREGULAR[word]
    elif word.endswith("man"):
        yield f"{before}{word[:-3]}men"
    elif re.search(r"[^aeiou]y$", word):
        yield f"{before}{word[:-1]}ies"
    elif re.search(r"(s|x|z|ch|sh)$", word):
        yield f"{before}{word}es"
    elif re.search(r"[^f]fe?$", word):
        yield f"{before}{re.sub('fe?$', 'ves', word)}"
        yield f"{before}{word}s"
    else:
        yield f"{before}{word}s"


def _plain(text: str) -> str:
    """Lower case, one space between words, and hyphens and underscores as spaces."""
    return " ".join(re.sub(r"[-_]", " ", text.lower()).split())
