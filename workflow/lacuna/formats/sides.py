"""The sources of a comparison: moments and tables of each, read together, with the classes that any image shows.

Shape suffixes: N images, C classes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from lacuna.areas.images_read import same_images
from lacuna.areas.sketch import group_size, sketch
from lacuna.areas.statistics import AreaStatistics
from lacuna.config.distribution import Fsd
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import areas, moments
from lacuna.formats.moments import SourceMoments
from lacuna.runtime import seeds

CHUNK_ROWS = 32_768  # rows in memory at a time: 44 MB at 336 classes


@dataclass(frozen=True)
class Files:
    """Where a source lies; `name` is its role, such as real or generated."""

    name: str
    moments: str
    tables: str
    count: int
    shard_size: int

    @classmethod
    def of(cls, job: Any, name: str) -> Self:
        """As the keys of a stage's job say, such as `real_moments`."""
        moments, folder, count = (getattr(job, f"{name}_{what}") for what in ("moments", "tables", "count"))
        return cls(name, moments, folder, count, job.shard_size)


@dataclass(frozen=True)
class Side:
    """One source: where its moments come from, and what the metrics read."""

    source: SourceMoments
    statistics: AreaStatistics


def read_sides(
    files: Sequence[Files], settings: Fsd, seed: int, stage: str
) -> tuple[list[tuple[str, str]], list[Side]]:
    """Name and category of all classes, and every side with the classes that any image of any side shows.

    The moments are read first: they say which classes those are, so that no more of the tables is kept.

    Raises:
        UserError: the sides cannot be compared, or tables are others than the moments were taken of.
    """
    real, *others = (moments.read(side.moments) for side in files)
    for side, other in zip(files[1:], others, strict=True):
        check_comparable(real, other, settings.category, side.name)
    # In another order, moments of the same images differ by rounding.
    others = [replace(one, moments=real.moments) if same_images(real.images, one.images) else one for one in others]
    sources = [real, *others]
    shown = np.flatnonzero(np.any([source.moments.mean > 0 for source in sources], axis=0))
    size = group_size(*(source.moments.count for source in sources))
    sides = []
    for side, source in zip(files, sources, strict=True):
        rng = seeds.rng(seed, stage, "table", side.name)
        shards = checked(areas.read_shards(side.tables, side.count, side.shard_size), source, side.moments, side.tables)
        least_px = settings.presence_percent / 100 * source.image_px
        kept = sketch(
            areas.chunks(shards, shown, CHUNK_ROWS), source.moments.count, least_px, 100 / source.image_px, size, rng,
            areas.groups(shard_paths(side.tables, side.count, side.shard_size)),
        )  # fmt: skip
        chosen = source.columns(shown)
        found = AreaStatistics(chosen.classes, chosen.categories, chosen.image_px, chosen.moments, kept)
        sides.append(Side(chosen, found))
    return list(zip(real.classes, real.categories, strict=True)), sides


def checked(
    shards: Iterable[areas.ClassAreas], source: SourceMoments, path: str, folder: str
) -> Iterator[areas.ClassAreas]:
    """The shards, which must be those that the moments were taken of.

    Raises:
        UserError: they are not.
    """
    problem = f"{path}: moments of other tables than {folder}; delete it and run moments again"
    expected, counted = (source.classes, source.categories, source.image_px), 0
    for shard in shards:
        counted += len(shard.index)
        if (shard.classes, shard.categories, shard.image_px) != expected or counted > source.moments.count:
            raise UserError(problem)
        yield shard
    if counted != source.moments.count:
        raise UserError(problem)


def check_comparable(one: SourceMoments, other: SourceMoments, category: str, name: str) -> None:
    """Refuse sides that differ in classes or image size, or that have no class of the category.

    Raises:
        UserError: for any of these.
    """
    if (one.classes, one.categories) != (other.classes, other.categories):
        pairs = zip(one.classes, other.classes, strict=False)
        differ = next((f"{a!r} and {b!r}" for a, b in pairs if a != b), "their number or categories")
        raise UserError(
            f"class lists of {len(one.classes)} real and {len(other.classes)} {name} classes differ, first in "
            f"{differ}; segment both sources with one segmenter"
        )
    if one.image_px != other.image_px:
        raise UserError(
            f"real images have {one.image_px} pixels, {name} ones {other.image_px}, expected one size; "
            "set the size of segment"
        )
    if category not in one.categories:
        found = ", ".join(dict.fromkeys(one.categories))
        raise UserError(f"fsd.category: {category!r} is not in the tables, which hold {found}; add it to segment.heads")
