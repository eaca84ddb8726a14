"""Lacuna: what an image generator cannot generate.

For a program or a notebook: `compare` two sets of images, and `FrechetSegmentationDistance`, the metric of a training
loop. The workflow runs one module of `stages` per stage; the other rooms are what these share.
"""

import importlib
from typing import Any

_HOMES = {"Comparison": "comparison", "FrechetSegmentationDistance": "metric", "compare": "compare"}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """What a user imports, loaded when it is asked for: a stage needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lacuna' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lacuna.front.{_HOMES[name]}"), name)
