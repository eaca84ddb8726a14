"""Class-area tables written as `segment` writes them, for the tests of the stages after it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lacuna.config.shards import shards
from lacuna.formats import areas
from lacuna.formats.areas import ClassAreas
from lacuna.runtime.provenance import Provenance

IMAGE_PX = 1024
CLASSES = ["-", "sky", "tree", "person", "fence", "dragon", "tree-trunk", "tree-crown"]
CATEGORIES = ["object"] * 6 + ["part"] * 2


def drawn(count: int, seed: int, factors: Sequence[float] = (1, 1, 1, 1)) -> np.ndarray:
    """(count, 8) pixel counts: objects sum to the image, no dragons, parts at most their tree.

    factors: of the presence of sky, tree, person and fence.
    """
    rng = np.random.default_rng(seed)
    presence = np.array([0.95, 0.6, 0.3, 0.2]) * factors
    objects = (rng.random((count, 4)) < presence) * rng.integers(20, 250, (count, 4))
    trunk = objects[:, 1] // 4
    return np.column_stack([
        IMAGE_PX - objects.sum(axis=1), objects, np.zeros(count, int), trunk, objects[:, 1] - trunk,
    ]).astype(np.uint32)  # fmt: skip


def write(
    folder: Path,
    area_px: np.ndarray,
    shard_size: int,
    image_px: int = IMAGE_PX,
    classes: Sequence[str] = CLASSES,
    resolutions: Sequence[tuple[int, int] | None] = (None,),
    group: np.ndarray | None = None,
    content: np.ndarray | None = None,
) -> None:
    """Write the table in shards named by what they hold; `resolutions` are those of the shards, in turn."""
    for number, shard in enumerate(shards(len(area_px), shard_size)):
        rows = slice(shard.first, shard.last + 1)
        table = ClassAreas(
            area_px[rows], np.arange(shard.first, shard.last + 1), list(classes), CATEGORIES, image_px,
            resolutions=resolutions[number % len(resolutions)], group=None if group is None else group[rows],
            content=np.empty(0, np.uint64) if content is None else content[rows],
        )  # fmt: skip
        areas.write(folder / f"{shard.name}.h5", table, Provenance("segment", "abc"))
