"""Lists of object classes: labels.json of a published segmenter, the weights of one of ours, or a text file."""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from lacuna.errors import UserError


def given(labels: str | Sequence[str]) -> list[str]:
    """Names that are given as they are, or by the file that lists them."""
    return read(labels) if isinstance(labels, str) else list(labels)


def read(path: str | Path) -> list[str]:
    """Object classes in the order of their columns, '-' included where the list has it.

    Args:
        path: labels.json (key `object`), a folder with one, weights that train_segmenter wrote, or a text file with a
            name a line.

    Raises:
        UserError: no such list in it, or a name twice.
    """
    source = Path(path) / "labels.json" if Path(path).is_dir() else Path(path)
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such list of classes; correct the source's `labels`")
    try:
        if source.suffix == ".json":
            names = json.loads(source.read_text(encoding="utf-8"))["object"]
        elif source.suffix == ".safetensors":
            with safe_open(source, framework="numpy") as file:
                names = json.loads(file.metadata()["lacuna"])["classes"]["object"]
        else:
            names = [line.strip() for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (KeyError, TypeError, json.JSONDecodeError, SafetensorError, UnicodeDecodeError) as error:
        raise UserError(
            f"{source}: no list of objects in it ({type(error).__name__} {error}), expected labels.json, weights that "
            "train_segmenter wrote, or one name per line"
        ) from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{source}: {', '.join(twice)} named twice, expected every class once")
    return [str(name) for name in names]
