"""The folder of the published segmenter: labels.json beside the weights of encoder and decoder."""

import json
from pathlib import Path
from typing import Any

from lacuna.errors import UserError

# What a file of the folder is called, and its name as published.
FILES = {
    "labels.json": "labels.json",
    "encoder*.pth": "encoder_epoch_40.pth",
    "decoder*.pth": "decoder_epoch_40.pth",
}
END = "expected the published labels.json; run fetch"


def found_files(folder: str | Path) -> list[Path]:
    """labels.json, encoder and decoder.

    Raises:
        FileNotFoundError: one of them is missing, or there are several of a kind.
    """
    found = []
    for pattern, published in FILES.items():
        paths = sorted(Path(folder).glob(pattern))
        if len(paths) != 1:
            names = ", ".join(path.name for path in paths) or "no file"
            raise FileNotFoundError(
                f"{folder}: {names} found for {pattern}, expected exactly one, say {published}, in a folder with "
                f"{', '.join(FILES)}; run fetch, or put it there"
            )
        found.append(paths[0])
    return found


def weights_files(checkpoint: str) -> list[str]:
    """The files of the published folder; one that is not there yet has the name by which fetch brings it."""
    folder = Path(checkpoint)
    found = {pattern: sorted(folder.glob(pattern)) for pattern in FILES}
    return [
        str(paths[0] if len(paths) == 1 else folder / published)
        for paths, published in zip(found.values(), FILES.values(), strict=True)
    ]


def read_labels(path: str | Path) -> dict[str, Any]:
    """labels.json: names under `object`, `material` and `scene`, and the parts of each object under `object_part`.

    Raises:
        UserError: no JSON, or of another form; what is wrong, in one line.
    """
    try:
        labels = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: no JSON ({error}), {END}") from None
    if not isinstance(labels, dict):
        raise UserError(f"{path}: found a {type(labels).__name__} at top level, {END}")
    for category in ("object", "material", "scene"):
        names = labels.get(category)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{path}: found no list of names under {category!r}, {END}")
        if category != "scene" and names[:1] != ["-"]:
            raise UserError(f"{path}: the names under {category!r} begin with {names[:1]}, not with '-', {END}")
    _check_parts(labels, path)
    return labels


def _check_parts(labels: dict[str, Any], path: str | Path) -> None:
    owned = labels.get("object_part")
    if not isinstance(owned, dict):
        raise UserError(f"{path}: found no map from objects to their parts under 'object_part', {END}")
    for owner, parts in owned.items():
        if owner not in labels["object"]:
            raise UserError(f"{path}: 'object_part' names {owner!r}, none of the objects, {END}")
        if not isinstance(parts, list) or parts[:1] != ["-"]:
            raise UserError(f"{path}: the parts of {owner!r} are no list that begins with '-', {END}")
