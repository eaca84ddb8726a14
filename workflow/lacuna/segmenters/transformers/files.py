"""The folder of a segmenter of the library transformers: which files it consists of, and what its JSON files say.

Without torch, so that the workflow may ask.
"""

import json
from pathlib import Path
from typing import Any

from lacuna.errors import UserError

CONFIG = "config.json"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
KINDS = (".json", ".txt")  # beside the weights: configurations, lists of shards, what a tokenizer knows
WEIGHTS = (".safetensors", ".bin")  # the first kind that is there is read


def weights_files(checkpoint: str) -> list[str]:
    """The files of the folder that count: JSON and text, and the weights, safetensors rather than pickles."""
    folder = Path(checkpoint)
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    weights = next((found for kind in WEIGHTS if (found := [path for path in paths if path.suffix == kind])), [])
    beside = [path for path in paths if path.suffix in KINDS]
    return [str(path) for path in (*beside, *weights)] or [str(folder / CONFIG)]


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
    return _json(path)


def read_processor(folder: Path) -> dict[str, Any]:
    """What is done to images before the network: preprocessor_config.json, or its part of processor_config.json.

    Raises:
        UserError: neither is there.
    """
    for name in PROCESSORS:
        if (folder / name).is_file():
            found = _json(folder / name)
            return dict(found.get("image_processor", found))
    raise UserError(
        f"{folder}: no {PROCESSORS[0]} in it, which says mean, deviation and size of the images that it has learnt; "
        "put it beside config.json"
    )


def check_shards(folder: Path) -> None:
    """Refuse a folder without weights, or without one of the shards that its index names.

    Raises:
        UserError: for either.
    """
    for kind in WEIGHTS:
        for index in sorted(folder.glob(f"*{kind}.index.json")):
            named = sorted(set(_json(index).get("weight_map", {}).values()))
            missing = [name for name in named if not (folder / name).is_file()]
            if missing:
                raise UserError(
                    f"{folder}: {len(missing)} of {len(named)} files of weights are missing, first {missing[0]}; "
                    "copy or fetch them again"
                )
            return
        if sorted(folder.glob(f"*{kind}")):
            return
    raise UserError(f"{folder}: no weights in it, expected model.safetensors; copy or fetch them again")


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


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: no JSON ({error}); copy or fetch it again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: found a {type(found).__name__} at top level, expected an object; copy it again")
    return found
