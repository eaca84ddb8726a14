"""What the JSON files beside the weights of a published network say of it: config.json and preprocessor_config.json.

Without torch, so that the workflow may ask.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lacuna.errors import UserError

CONFIG = "config.json"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")


def read_config(folder: Path) -> dict[str, Any]:
    """config.json.

    Raises:
        UserError: it is missing, or no JSON object.
    """
    path = folder / CONFIG
    if not path.is_file():
        found = ", ".join(sorted(item.name for item in folder.glob("*"))[:5]) if folder.is_dir() else "no folder"
        raise UserError(
            f"{folder}: no {CONFIG} in it (found {found or 'nothing'}), expected a folder that save_pretrained wrote; "
            "correct the checkpoint"
        )
    return read_json(path)


def read_processor(folder: Path) -> dict[str, Any]:
    """What is done to images before the network: preprocessor_config.json, or its part of processor_config.json.

    Raises:
        UserError: neither is there.
    """
    for name in PROCESSORS:
        if (folder / name).is_file():
            found = read_json(folder / name)
            return dict(found.get("image_processor", found))
    raise UserError(
        f"{folder}: no {PROCESSORS[0]} in it, which says mean, deviation and size of the images that it has learnt; "
        "put it beside config.json"
    )


def own_names(config: Mapping[str, Any]) -> list[str]:
    """Names of config.json, in the order of their numbers, which JSON has as text."""
    named = config.get("id2label") or {}
    return [str(named[key]) for key in sorted(named, key=int)]


def image_size(processor: dict[str, Any], folder: Path) -> int:
    """Pixels per side that the network has learnt.

    Raises:
        UserError: the file does not say, or says no square.
    """
    cropped = processor.get("do_center_crop") and processor.get("crop_size")
    said = cropped or processor.get("size")
    if isinstance(said, int):
        return said
    if isinstance(said, list):
        said = dict(zip(("height", "width"), said, strict=False))
    sides = said or {}
    height, width = sides.get("height"), sides.get("width")
    found = sides.get("shortest_edge") or (height if height == width else None)
    if not isinstance(found, int):
        raise UserError(
            f"{folder}: {PROCESSORS[0]} says size {said!r}, expected a square or `shortest_edge`; set the segmenter's "
            "`size` to the pixels per side that images are brought to"
        )
    return found


def read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: no JSON ({error}); copy or fetch it again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: found a {type(found).__name__} at top level, expected an object; copy it again")
    return found
