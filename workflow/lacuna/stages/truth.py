"""What the world really draws, beside what the segmenter sees of it and of the generators compared with it.

The world knows the label of every pixel. So the distance between the exact and the segmented areas of the same scenes
is the segmenter's own error, and the rate at which a generator draws an object can be held against the true rate.

Shape suffixes: N images, H height, W width, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.frechet import frechet
from lacuna.areas.moments import of_rows
from lacuna.areas.omissions import class_counts
from lacuna.areas.presence import presence
from lacuna.config import shards
from lacuna.config.distribution import Fsd
from lacuna.errors import UserError
from lacuna.formats import areas, tables
from lacuna.formats.images import ImageShards
from lacuna.runtime import command

CATEGORY = "object"
COLUMNS = ("class", "source", "presence", "presence_low", "presence_high", "area")  # area in percent of the image
EXACT, SEGMENTED = "exact", "segmented"  # of the scenes, as sources of the table
CHUNK = 1000  # scenes in memory at a time


class Job(command.Job):
    """What the stage is told."""

    scenes: Path = Field(description="folder of the world's image shards")
    tables: list[str] = Field(description="folders of class areas: the scenes', then generated")
    counts: list[int] = Field(description="images of each of these")
    generated: list[str] = Field(description="names of the generated sources")
    shard_size: int = Field(description="images per shard")
    settings: Fsd
    tsv: str = Field(description="table of presences to write")
    summary: str = Field(description="distances to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("truth", Job, __doc__, argv)
    first = next(areas.read_shards(job.tables[0], job.counts[0], job.shard_size))
    chosen = np.flatnonzero(np.array(first.categories) == CATEGORY)
    classes = [first.classes[place] for place in chosen]
    names = [SEGMENTED, *job.generated]
    areas_of = {
        name: read_areas(folder, count, job.shard_size, chosen) * (100 / first.image_px)
        for name, folder, count in zip(names, job.tables, job.counts, strict=True)
    }
    scenes = shards.shard_paths(job.scenes, job.counts[0], job.shard_size)
    sides = {EXACT: exact_areas(scenes, len(classes))} | areas_of
    tables.write_tsv(job.tsv, COLUMNS, rows(sides, classes, job.settings))
    tables.write_json(job.summary, summary(sides) | {"unit": "percent", "code": job.code})


def read_areas(folder: str, count: int, shard_size: int, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, C) pixels of the chosen classes."""
    return np.concatenate([table.area_px[:, chosen] for table in areas.read_shards(folder, count, shard_size)])


def exact_areas(paths: Sequence[Path], num_classes: int) -> NDArray[np.float64]:
    """(N, C) percent of each scene by the world's own labels.

    Raises:
        UserError: the labels are of more classes than the segmenter knows.
    """
    parts = []
    with ImageShards(paths) as scenes:
        for start in range(0, len(scenes), CHUNK):
            labels_NHW = scenes.read("labels_object", slice(start, start + CHUNK))
            if labels_NHW.max() >= num_classes:
                raise UserError(
                    f"{paths[0].parent}: label {labels_NHW.max()}, expected one of the segmenter's {num_classes} "
                    "classes; compare by a segmenter that has learnt this world"
                )
            parts.append(class_counts(labels_NHW, num_classes))
        return np.asarray(np.concatenate(parts) * (100 / scenes.size**2), dtype=np.float64)


def rows(sides: Mapping[str, NDArray[np.float64]], classes: Sequence[str], settings: Fsd) -> list[tuple[Any, ...]]:
    """One row per class and source; areas in percent (N, C)."""
    found = {
        name: presence(area_NC, settings.presence_percent, settings.confidence)
        for name, area_NC in sides.items()
    }  # fmt: skip
    return [
        (label, name, side.rate_C[k], side.low_C[k], side.high_C[k], sides[name][:, k].mean())
        for k, label in enumerate(classes) for name, side in found.items()
    ]  # fmt: skip


def summary(sides: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Distances: the segmenter's own, and of each generated source to what is seen of the scenes and to the truth."""
    moments = {name: of_rows(area_NC) for name, area_NC in sides.items()}
    own = frechet(moments[EXACT], moments[SEGMENTED])
    generated = {}
    for name in sides:
        if name in (EXACT, SEGMENTED):
            continue
        seen, true = (frechet(moments[side], moments[name]).fsd for side in (SEGMENTED, EXACT))
        generated[name] = {"fsd": seen, "fsd_to_exact": true, "own_share": own.fsd / seen if seen > 0 else None}
    return {"segmenter": asdict(own), "num_scenes": moments[EXACT].count, "generated": generated}


if __name__ == "__main__":
    command.run("truth", main)
