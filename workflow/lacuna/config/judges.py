"""A segmenter that is given by what it is: a preset of workflow/published.yaml, or a user's folder or file."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lacuna.config import published

FAMILY_OF = {".onnx": "onnx", ".pt2": "exported", ".safetensors": "upernet"}  # of a file, by its ending


def with_judge(config: Mapping[str, Any], exists: Callable[[str], bool] = os.path.exists) -> dict[str, Any]:
    """The configuration with an entry for what its `segmenter` says, where that is none of its segmenters' names."""
    said, known = config.get("segmenter"), config.get("segmenters")
    if not isinstance(said, str) or not isinstance(known, Mapping) or said in known:
        return dict(config)
    presets = published.segmenters()
    if said in presets:
        return {**config, "segmenters": {**known, said: presets[said]["entry"]}}
    path = str(Path(os.path.expandvars(said)).expanduser())
    if not (exists(path) or os.sep in said or said.startswith(published.HUB)):
        return dict(config)
    name = named(said)
    return {**config, "segmenter": name, "segmenters": {**known, name: entry_of(said, path)}}


def named(said: str) -> str:
    """A name for what lies at a path: the end of it, in letters that names may have."""
    words = re.sub("[^a-z0-9]+", "_", said.removeprefix(published.HUB).rstrip("/").rpartition("/")[2].lower())
    return words.strip("_") or "given"


def entry_of(said: str, path: str) -> dict[str, Any]:
    """Family and checkpoint of a path or of a repository on the hub, by its form."""
    if said.startswith(published.HUB):
        return {"family": "transformers", "checkpoint": said}
    folder = Path(path)
    return {"family": FAMILY_OF.get(folder.suffix, "transformers"), "checkpoint": path}
