"""Moments of one source: the class-area tables of all its shards become count, mean and covariance.

Shape suffixes: N images, C classes.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.areas.images_read import ImagesRead
from lacuna.areas.moments import streamed
from lacuna.config.shards import shard_paths
from lacuna.errors import UserError
from lacuna.formats import areas, moments
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance

log = logging.getLogger(__name__)
CHUNK_ROWS = 8192
EXCLUSIVE = ("object", "material")  # categories in which every pixel has exactly one class


class Job(command.Job):
    """What the stage is told."""

    tables: str = Field(description="folder of the class-area shards")
    count: int = Field(description="number of images")
    shard_size: int = Field(description="images per shard")
    moments: str = Field(description="HDF5 file to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("moments", Job, __doc__, argv)
    paths = shard_paths(job.tables, job.count, job.shard_size)
    first = areas.read(paths[0])
    tables = command.progress(
        areas.read_shards(job.tables, job.count, job.shard_size), total=len(paths), desc="moments", unit="shard"
    )
    read = Tally(job.count)
    found = streamed(chunks(read.passed(tables), job.tables), unit=100 / first.image_px, where=read.nothing_read)
    if found.count < job.count:
        log.warning("%s: %d of %d images; the others were skipped", job.tables, found.count, job.count)
    source = moments.SourceMoments(
        found, first.classes, first.categories, first.image_px, areas.resolutions(paths), read.images()
    )
    moments.write(job.moments, source, Provenance("moments", job.code, {"count": job.count}, None, paths))


class Tally:
    """What became of the images of the tables that pass by."""

    def __init__(self, num_asked: int) -> None:
        self.num_asked, self.num_one_color = num_asked, 0
        self.reasons: Counter[str] = Counter()
        self._content: list[NDArray[np.uint64]] = []
        self._groups: list[NDArray[np.uint64]] = []

    def passed(self, tables: Iterable[areas.ClassAreas]) -> Iterator[areas.ClassAreas]:
        """The tables, each counted."""
        for table in tables:
            self.reasons.update(row.reason for row in table.skipped)
            self.num_one_color += table.num_one_color
            self._content.append(table.content)
            if table.group is not None:
                self._groups.append(table.group)
            yield table

    def images(self) -> ImagesRead:
        """All that was counted."""
        content_N = np.sort(np.concatenate(self._content))
        reason = self.reasons.most_common(1)[0][0] if self.reasons else ""
        num_groups = len(np.unique(np.concatenate(self._groups))) if self._groups else None
        return ImagesRead(self.num_asked, self.reasons.total(), reason, self.num_one_color, content_N, num_groups)

    def nothing_read(self) -> str:
        """Why there may be no areas at all."""
        if not self.reasons:
            return "no class areas at all, expected at least one image"
        reason = self.reasons.most_common(1)[0][0]
        return f"none of {self.num_asked} images could be read ({reason}); correct the source's path or its files"


def chunks(tables: Iterable[areas.ClassAreas], where: str) -> Iterator[NDArray[np.uint32]]:
    """The rows of all tables, checked, a few thousand at a time."""
    for table in tables:
        check_rows(table, where)
        for first in range(0, len(table.index), CHUNK_ROWS):
            yield table.area_px[first : first + CHUNK_ROWS]


def check_rows(table: areas.ClassAreas, where: str) -> None:
    """Every pixel of an image has exactly one object and exactly one material.

    Raises:
        UserError: a row of such a category does not sum to the image.
    """
    categories = np.array(table.categories)
    for category in EXCLUSIVE:
        if category not in table.categories:
            continue
        covered_N = table.area_px[:, categories == category].sum(axis=1, dtype=np.int64)
        wrong = np.flatnonzero(covered_N != table.image_px)
        if len(wrong):
            raise UserError(
                f"{where}: {category} areas of image {table.index[wrong[0]]} sum to {covered_N[wrong[0]]} pixels, "
                f"expected {table.image_px}; run segment again"
            )


if __name__ == "__main__":
    command.run("moments", main)
