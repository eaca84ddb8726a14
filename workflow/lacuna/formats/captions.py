"""Captions of images (`prompts`, a user's), a CSV file.

UTF-8 with a header and columns `file`, the path of a photo below its source, and `prompt`, what it shows, in words;
others are not looked at. A row is an image: sample i is drawn from prompt i, and answers the photo that row i names.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from lacuna.errors import UserError

COLUMNS = ("file", "prompt")


@dataclass(frozen=True)
class Caption:
    """A photo and what it shows, in words."""

    file: str
    prompt: str


def read(path: str | Path) -> list[Caption]:
    """All rows, in their order.

    Raises:
        UserError: a column is missing, a prompt is empty, or the file is no UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise UserError(f"{path}: no column {missing[0]!r}, expected a header with {', '.join(COLUMNS)}")
            rows = [Caption(row["file"] or "", (row["prompt"] or "").strip()) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: no CSV in UTF-8 ({error}), expected columns {', '.join(COLUMNS)}") from None
    if empty := [number for number, row in enumerate(rows) if not row.prompt]:
        raise UserError(f"{path}: image {empty[0]} (row {empty[0] + 2}) has no prompt, expected one in each row")
    return rows
