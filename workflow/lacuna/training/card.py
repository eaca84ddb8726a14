"""The card beside trained weights: how they were made, and how good they are."""

import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from lacuna.config.base import Section
from lacuna.runtime.provenance import canonical_json

CURVE_ROWS = 12  # the card shows about so many rows of the log


def page(title: str, body: Sequence[str], command: str, settings: Section, rows: Sequence[Mapping[str, float]]) -> str:
    """Markdown: what is said of the network, how it was made, and some rows of its log."""
    lines = [
        f"# {title}", "", *body, "", "Command:", "", f"    {command}", "", "Settings:", "",
        f"    {canonical_json(settings.given())}", "", "From the log, means since the row before:", "", *curve(rows),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def curve(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Some rows of the log as a Markdown table, the last among them; columns that say nothing are left out."""
    picked = [*rows[-1 :: -max(len(rows) // CURVE_ROWS, 1)]][::-1]
    told = [name for name in (rows[0] if rows else ()) if any(math.isfinite(row[name]) for row in picked)]
    lines = [told, ["---"] * len(told), *([figure(row[name]) for name in told] for row in picked)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def figure(value: float) -> str:
    """Four digits that count, or more where a number is whole."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def processor() -> str:
    """Name of the machine's processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
