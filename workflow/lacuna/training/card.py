"""The card beside trained weights: how they were made."""

import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lacuna.runtime.provenance import canonical_json

CURVE_ROWS = 12  # the card shows about so many rows of the log


def text(
    *, title: str, command: str, settings: Mapping[str, Any], shown: Mapping[int, int], seconds: float, threads: int,
    device: str, trained_on: str, parameters: int, rows: Sequence[Mapping[str, float]],
) -> str:  # fmt: skip
    """Markdown."""
    sizes = "\n".join(f"| {size} | {count:,} |" for size, count in shown.items() if count > 0)
    return f"""# {title}

Trained on {trained_on}: {sum(shown.values()):,} real images shown, {seconds / 60:.1f} minutes of training
on {processor()}, device {device}, {threads} thread(s). The weights are the running mean over the training's end
(half-life {settings["ema_half_life"]:,} images); {parameters:,} parameters.

| size in pixels | real images shown |
|---|---|
{sizes}

Command:

    {command}

Settings:

    {canonical_json(dict(settings))}

From the log, means since the row before:

{curve(rows)}
"""


def curve(rows: Sequence[Mapping[str, float]]) -> str:
    """Some rows of the log as a Markdown table, the last among them; columns that say nothing are left out."""
    picked = [*rows[-1 :: -max(len(rows) // CURVE_ROWS, 1)]][::-1]
    told = [name for name in (rows[0] if rows else ()) if any(math.isfinite(row[name]) for row in picked)]
    lines = [told, ["---"] * len(told), *([figure(row[name]) for name in told] for row in picked)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figure(value: float) -> str:
    """Four digits that count, or more where a number is whole."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def processor() -> str:
    """Name of the machine's processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
