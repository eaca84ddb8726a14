"""Plain sentences from verdicts. Numbers in, text out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SHORT = ("omitted", "reduced")
_PLURALS = {
    "person": "people",
    "bench": "benches",
    "car": "cars",
    "tree": "trees",
    "cloud": "clouds",
    "signboard": "signboards",
    "tower": "towers",
    "building": "buildings",
}  # what one sees several of; everything else is named as it stands and is "it"
_COUNTED = _PLURALS | {"fence": "fences", "hill": "hills", "sun": "suns"}
UNKNOWN = "\N{EN DASH}"
PERCENT = "\N{NARROW NO-BREAK SPACE}%"
_TIE = "\N{NO-BREAK SPACE}"
MOST_NAMED = 3  # classes in a sentence over all comparisons
_FEW, _MOST = 0.05, 0.95
_UNDER_100_PERCENT = 0.995  # a share above it would round to "all"


@dataclass(frozen=True)
class ClassRow:
    """A class of one comparison: areas in percent of the image, differences, presences and ratios as fractions."""

    name: str
    category: str
    real_area: float
    generated_area: float
    delta: float
    low: float
    high: float
    real_presence: float
    generated_presence: float
    presence_ratio: float
    q_value: float
    contribution: float
    verdict: str
    appearance: str = ""


def headline(generated: str, real: str, rows: Sequence[ClassRow]) -> str:
    """One sentence: what the generated side draws less of, and what it leaves out."""
    omitted = sorted((row for row in rows if row.verdict == "omitted"), key=lambda row: row.delta)
    reduced = sorted((row for row in rows if row.verdict == "reduced"), key=lambda row: row.delta)
    excess = [row for row in rows if row.verdict == "excess" and math.isfinite(row.delta)]
    most = max(excess, key=lambda row: row.delta, default=None)
    drawn = [_change(row) for row in reduced[: 1 if omitted else 2]]
    without = [_omission(row) for row in omitted[: 1 if reduced else 2]]
    if len(drawn) == 1 and not without and most:
        drawn.append(_change(most))
    parts = [f"draws {' and '.join(drawn)}"] if drawn else []
    if parts or without:
        return f"{generated} {' and '.join(parts + without)}."
    if most:
        more, _, other = _change(most).partition(", and ")
        ending = f"; {other}" if other else ""
        return f"{generated} draws {more} than {real}, and no class clearly less{ending}."
    if rows and all(row.verdict == "kept" for row in rows):
        return f"{generated} draws every class about as much as {real} does."
    return f"No class of {generated} differs from {real} beyond doubt."


def ceiling(lost: Sequence[tuple[str, float]]) -> str:
    """What no image from a decoder keeps: classes, and their mean area where they get lost, in percent; or nothing."""
    if not lost:
        return ""
    names = [_COUNTED.get(name, f"{name} regions") for name, _ in lost]
    shares = [f"{area:.2g}{PERCENT}" for _, area in lost]
    if len(lost) == 1:
        return f"No image from this decoder keeps {names[0]} of this size ({shares[0]} of the area)."
    *others, last = [f"{name} ({share})" for name, share in zip(names, shares, strict=True)]
    return f"No image from this decoder keeps {', '.join(others)} or {last} of these sizes."


def looks(known: Sequence[tuple[str, str]]) -> str:
    """One sentence: which classes do not look like themselves; empty where none is altered.

    Args:
        known: class and verdict on its looks, the most altered first.
    """
    altered = [name for name, verdict in known if verdict == "altered"]
    if not altered:
        return ""
    if len(altered) == len(known) > 1:
        return f"None of {len(known)} classes looks like the real ones, {altered[0]} least of all."
    more = len(altered) - MOST_NAMED
    named = [*altered[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"What is taken for {listed(named)} does not look like the real ones."


def short_everywhere(counts: Sequence[tuple[str, int]], num_comparisons: int) -> str:
    """One sentence over all comparisons of a page, from how many of them each class is short in.

    Args:
        counts: class and number of comparisons, the greatest first.
    """
    most = max((count for _, count in counts), default=0)
    if most < 2:
        return f"No class is short in more than one of {num_comparisons} comparisons."
    short = [name for name, count in counts if count == most]
    names = [_PLURALS.get(name, name) for name in short]
    several = len(short) > 1 or short[0] in _PLURALS
    where = f"in {'both' if num_comparisons == 2 else f'all {most}'}" if most == num_comparisons else f"in {most}"
    of = "" if most == num_comparisons else f" of {num_comparisons}"
    text = f"{listed(names[:MOST_NAMED])} come{'' if several else 's'} short {where}{of} comparisons."
    return text[0].upper() + text[1:]


def apart(ratio: float) -> str:
    """How far generated images are from real ones, in distances of real from real."""
    times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"Its FSD is {times} times that between two halves of the real images."


def listed(names: Sequence[str]) -> str:
    """`sun`, `sun and car`, `sun, car and fence`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def detail(row: ClassRow) -> str:
    """What became of one class, in full."""
    text = f"covers {area(row.generated_area)} of a generated image on average, {area(row.real_area)} of a real one"
    if math.isfinite(row.delta):
        text += f": {_percent(abs(row.delta))} {'less' if row.delta < 0 else 'more'}{_interval(row)}"
    if not math.isnan(row.real_presence):
        text += (
            f". It shows in {_percent(row.generated_presence)} of the generated images"
            f" and in {_percent(row.real_presence)} of the real ones"
        )
    return text + "."


def shortest(rows: Sequence[ClassRow], count: int = 5) -> list[ClassRow]:
    """The classes most short: omitted ones first, then by relative difference."""
    short = [row for row in rows if row.verdict in SHORT]
    return sorted(short, key=lambda row: (row.verdict != "omitted", row.delta))[:count]


def area(percent: float) -> str:
    """An area in percent of the image, with two digits that count."""
    if math.isnan(percent):
        return UNKNOWN
    if percent == 0:
        return f"0{PERCENT}"
    if percent < 0.01:
        return f"< 0.01{PERCENT}"
    return f"{percent:.{0 if percent >= 10 else 1 if percent >= 1 else 2}f}{PERCENT}"


def number(value: float) -> str:
    """A distance or a loss with three digits that count."""
    if not math.isfinite(value):
        return UNKNOWN
    if value == 0 or abs(value) < 1e-9:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def share(fraction: float) -> str:
    """A fraction in percent."""
    return UNKNOWN if math.isnan(fraction) else _percent(fraction)


def signed(fraction: float) -> str:
    """A relative difference in percent with its sign."""
    if math.isinf(fraction):
        return "+∞"
    if math.isnan(fraction):
        return UNKNOWN
    percent = round(100 * fraction)
    return f"{percent:+d}{PERCENT}".replace("-", "\N{MINUS SIGN}") if percent else f"0{PERCENT}"


def thousands(count: int) -> str:
    """A count in groups of three digits."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def shown(value: float | None, kind: str) -> str:
    """A number as its column is shown: `number`, `count` or `share`."""
    if value is None:
        return UNKNOWN
    return thousands(round(value)) if kind == "count" else share(value) if kind == "share" else number(value)


def duration(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def times(share: float) -> str:
    """A share in words: `9 of 10`."""
    if share >= _UNDER_100_PERCENT:
        return "practically all"
    if share > _MOST:
        return f"{100 * share:.0f} of 100"
    if share < _FEW:
        return "a few"
    return f"{max(1, round(10 * share))} of 10"


def _change(row: ClassRow) -> str:
    if row.delta > 0 and row.appearance == "altered":
        more = f"{_percent(row.delta)}{_interval(row)} more of what is taken for {row.name}"
        return f"{more}, and it does not look like real {row.name}"
    what = f"{row.name} area" if row.name in _PLURALS else row.name
    return f"{_percent(abs(row.delta))}{_interval(row)} {'less' if row.delta < 0 else 'more'} {what}"


def _omission(row: ClassRow) -> str:
    plural = _PLURALS.get(row.name)
    left_out = 1 - row.presence_ratio
    if math.isnan(left_out) or left_out < _FEW:
        return f"leaves out {_percent(abs(row.delta))} of the area of {row.name}"
    return f"leaves out {plural or row.name} in {times(left_out)} scenes that should have {'them' if plural else 'it'}"


def _interval(row: ClassRow) -> str:
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        return ""
    near, far = sorted((abs(row.low), abs(row.high)))
    if row.low < 0 < row.high:  # the interval reaches over zero, so its signs matter
        return f"{_TIE}[{100 * row.low:+.0f}, {100 * row.high:+.0f}]".replace("-", "\N{MINUS SIGN}")
    return f"{_TIE}[{100 * near:.0f}, {100 * far:.0f}]"


def _percent(fraction: float) -> str:
    value = 100 * fraction
    return f"{value:.{0 if value >= 1 or value == 0 else 1}f}{PERCENT}"
