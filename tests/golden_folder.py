"""A folder of golden data: recipe weights, photos and stored arrays, all named by the folder itself.

How the arrays were made and which tolerances are right: README.md of that folder.
"""

import importlib.util
import json
import os
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]


def golden_path() -> Path:
    """Where the golden data are: $LACUNA_GOLDEN, or beside the repository."""
    return Path(os.environ.get("LACUNA_GOLDEN", ROOT.parent / "shared" / "golden"))


def array_names(file: str, pattern: str = ".*") -> list[str]:
    """Arrays of <file>.npz whose whole name matches `pattern`, for a test each; none where there are no golden data."""
    path = golden_path() / f"{file}.npz"
    if not path.exists():
        return []
    with np.load(path) as arrays:
        return [name for name in arrays.files if "__" not in name and re.fullmatch(pattern, name)]


class GoldenFolder:
    """Reads one folder; weights and arrays are made when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta: dict[str, Any] = json.loads((path / "meta.json").read_text())

    @cached_property
    def recipe(self) -> ModuleType:
        """The folder's recipe.py: another folder may have another seed in it."""
        spec = importlib.util.spec_from_file_location("golden_recipe", self.path / "recipe.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def shapes(self, manifest: str) -> dict[str, list[int]]:
        """State-dict key -> shape, of manifest_<manifest>.json."""
        return dict(json.loads((self.path / f"manifest_{manifest}.json").read_text()))

    def weights(self, manifest: str, keys: str = "") -> dict[str, Tensor]:
        """Recipe weights of a manifest; of the keys that begin with `keys` where given."""
        return {
            key: torch.from_numpy(self.recipe.tensor_for(key, shape, self.meta["key_prefix"]))
            for key, shape in self.shapes(manifest).items()
            if key.startswith(keys)
        }

    def photo(self, number: int) -> Image.Image:
        """One photo, as its file has it."""
        (path,) = (self.path / "photos").glob(f"*_{number}_*")
        return Image.open(path).convert("RGB")

    def photos_x(self) -> Tensor:
        """The photos of meta.json as (N, 3, H, W) in [-1, 1]."""
        photos = [np.asarray(self.photo(number), np.float32) for number in self.meta["photos"]]
        return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2) / 127.5 - 1

    def arrays(self, name: str) -> "GoldenArrays":
        """The stored arrays of <name>.npz."""
        with np.load(self.path / f"{name}.npz") as file:
            return GoldenArrays({key: file[key] for key in file.files})


class GoldenArrays(dict[str, np.ndarray]):
    """Arrays of one file. A large one is stored as every k-th value of its ravel, beside its shape and statistics."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)

    def stored_part(self, name: str, found: Tensor | np.ndarray) -> np.ndarray:
        """What of `found` is stored under `name`; its shape must be the stored one."""
        values = found.detach().cpu().contiguous().numpy() if isinstance(found, Tensor) else np.asarray(found)
        assert values.shape == self.shape(name), f"{name}: {values.shape} instead of {self.shape(name)}"
        return values.ravel()[:: int(self.get(f"{name}__stride", 1))]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of the whole tensor."""
        return tuple(int(side) for side in self.get(f"{name}__shape", self[name].shape))

    def std(self, name: str) -> float:
        """Standard deviation of the whole tensor."""
        stats = self.get(f"{name}__stats")
        return float(self[name].std() if stats is None else stats[1])

    def deviation(self, name: str, found: Tensor | np.ndarray) -> float:
        """Largest absolute difference between `found` and what is stored."""
        difference = self.stored_part(name, found).astype(np.float64) - self[name].ravel()
        return float(np.abs(difference).max())

    def check(self, name: str, found: Tensor | np.ndarray, atol: float = 0.0, stds: float = 0.0) -> None:
        """Assert that `found` is what is stored, within `atol` plus `stds` times the tensor's standard deviation."""
        tolerance = atol + stds * self.std(name)
        deviation = self.deviation(name, found)
        assert deviation <= tolerance, f"{name}: off by {deviation:.3g}, tolerance {tolerance:.3g}"
