"""Take in a class-area table from elsewhere: its rows become a class-area shard, as `segment` would have written it.

Values are turned into whole pixels; rows are checked to be areas of whole images.
Shape suffixes: N images, C classes.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lacuna.errors import UserError
from lacuna.formats import areas, class_lists, foreign_tables
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance

log = logging.getLogger(__name__)
UNITS = {"fraction": 1.0, "percent": 100.0}  # what a row sums to; `pixels` sum to the image
SUM_TOLERANCE = 1e-4  # share of the image by which a row may miss it: float32 sums over 336 classes are off by 1e-5
GRID_TOLERANCE_PX = 0.01


class Job(command.Job):
    """What the stage is told."""

    source: str = Field(description="table to read, .npy or HDF5")
    labels: str = Field(description="list of its classes, or a segmenter's weights")
    settings: dict[str, Any] = Field(description="JSON: size, unit, dataset")
    first: int = Field(description="first row")
    last: int = Field(description="last row, included")
    table: str = Field(description="HDF5 file to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("tabulate", Job, __doc__, argv)
    classes = class_lists.read(job.labels)
    image_px = job.settings["size"] ** 2
    with foreign_tables.opened(job.source, job.settings.get("dataset")) as table:
        check_shape(table.shape, job, classes)
        values_NC = np.asarray(table[job.first : job.last + 1], dtype=np.float64)
    index_N = np.arange(job.first, job.last + 1)
    share_NC = values_NC / UNITS.get(job.settings["unit"], image_px)
    check_shares(share_NC, index_N, job.source, job.settings["unit"])
    area_px_NC = whole_pixels(share_NC, image_px)
    rounded = float(np.abs(area_px_NC - share_NC * image_px).max())
    if rounded > GRID_TOLERANCE_PX:
        log.warning(
            "%s: areas are no whole pixels of images of %d x %d, rounded by up to %.2g pixels; if the images had "
            "another size, set the source's size", job.source, job.settings["size"], job.settings["size"], rounded,
        )  # fmt: skip
    found = areas.ClassAreas(area_px_NC, index_N, classes, ["object"] * len(classes), image_px)
    areas.write(job.table, found, Provenance("tabulate", job.code, job.settings, None, [job.source]))


def check_shape(shape: tuple[int, ...], job: Job, classes: Sequence[str]) -> None:
    """One column per class, and rows enough."""
    if shape[1] != len(classes):
        raise UserError(
            f"{job.source}: {shape[1]} columns, {job.labels} lists {len(classes)} classes; give the source the "
            "`labels` that its table was made with"
        )
    if job.last >= shape[0]:
        raise UserError(
            f"{job.source}: {shape[0]} rows, row {job.last} asked for, counted from 0; lower the source's count"
        )


def check_shares(share_NC: NDArray[np.float64], index_N: NDArray[np.int64], where: str, unit: str) -> None:
    """Every row holds areas of one whole image.

    Raises:
        UserError: NaN, infinity, a negative area, or a sum that is not the image.
    """
    total_N = share_NC.sum(axis=1)
    for bad_N, found in (
        (~np.isfinite(share_NC).all(axis=1), "holds NaN or infinity, expected areas; mend the table"),
        ((share_NC < 0).any(axis=1), "holds a negative area, expected none under 0; mend the table"),
        (~(np.abs(total_N - 1) <= SUM_TOLERANCE), "sums to {:.6g} of the image, expected 1; unit is {}: correct the "
         "source's unit or size, or leave out rows that hold no image"),
    ):  # fmt: skip
        if bad_N.any():
            row = int(np.flatnonzero(bad_N)[0])
            raise UserError(f"{where}: row {index_N[row]} {found.format(total_N[row], unit)}")


def whole_pixels(share_NC: NDArray[np.float64], image_px: int) -> NDArray[np.uint32]:
    """Areas in pixels: each rounded down, the pixels still missing given to the largest remainders of the row."""
    exact_NC = share_NC / share_NC.sum(axis=1, keepdims=True) * image_px
    # What a float misses of a whole number by rounding is that whole number.
    floor_NC = np.floor(exact_NC + 1e-6)
    missing_N = (image_px - floor_NC.sum(axis=1)).astype(np.int64)
    rank_NC = np.argsort(np.argsort(floor_NC - exact_NC, axis=1, kind="stable"), axis=1, kind="stable")
    return (floor_NC + (rank_NC < missing_N[:, None])).astype(np.uint32)


if __name__ == "__main__":
    command.run("tabulate", main)
