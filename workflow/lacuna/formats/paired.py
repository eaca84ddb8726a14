"""Photos beside samples of their captions (`paired`), results/paired/{segmenter}/{real}~{generated}.tsv and .json.

A row is a class; a pair is a photo and the sample that was drawn from its caption.

- `class`, `category`;
- `both`, `photo_only`, `sample_only`: pairs of which both images show the class, or only one does;
- `kept`, `kept_low`, `kept_high`: share of the photos with the class whose samples show it too, with its interval;
- `p_value`, `q_value`: McNemar's exact test of equal presence on both sides, and corrected over the category's classes;
- `asked`, `asked_not_drawn`: prompts that name the class, and of these the samples that do not show it.

The JSON says how many pairs there are (`num_pairs`), how many captions have none (`num_unpaired`), and `warnings`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lacuna.formats import tables

COLUMNS = (
    "class", "category", "both", "photo_only", "sample_only", "kept", "kept_low", "kept_high", "p_value", "q_value",
    "asked", "asked_not_drawn",
)  # fmt: skip


def write(path: str | Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write the table."""
    tables.write_tsv(path, COLUMNS, rows)
