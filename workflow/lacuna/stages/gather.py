"""Gather labelled images: a folder with one subfolder per class, or a file with labels, becomes shards, one per job.

An image that cannot be read is no row of its shard, which names it with the reason.

Shape suffixes: N images, H height, W width.
"""

import logging
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
from pydantic import Field

from lacuna.config.grouping import group_codes
from lacuna.data.decoding import opened, printable, reason
from lacuna.data.held import Asked, Plan, planned
from lacuna.data.preparation import fit
from lacuna.formats import images
from lacuna.formats.areas import Skipped
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json

log = logging.getLogger(__name__)


class Job(command.Job):
    """What the stage is told."""

    path: str = Field(description="what holds images and their labels")
    size: int = Field(description="pixels per side that images are brought to")
    background: str = Field("white", description="color below transparent pixels")
    groups: str = Field("", description="`parent` or an expression: which images belong together")
    manifest: str = Field("", description="what the workflow saw of the user's source when it started")
    planned: str = Field("", description="digest of the user's files as the shard was planned")
    first: int = Field(description="first image")
    last: int = Field(description="last image, included")
    shard: str = Field(description="HDF5 file to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("gather", Job, __doc__, argv)
    asked = Asked(job.path, labelled=True)
    held = planned(asked, job.first, job.last, Plan(job.manifest, job.planned))
    container, chosen = held.images(asked, job.first, job.last)
    read = container.reader(chosen)
    pictures, index, labels, skipped = [], [], [], []
    for number, entry in enumerate(command.progress(chosen, desc="gather", unit="image"), start=job.first):
        try:
            pictures.append(fit(opened(read(entry.name), job.background), job.size))
        except Exception as error:
            skipped.append(Skipped(number, printable(entry.name), reason(error)))
            log.warning("skipped image %d, %s: %s", *astuple(skipped[-1]))
            continue
        index.append(number)
        labels.append(entry.label)
    read_names = [chosen[number - job.first].name for number in index]
    config, listing = {"path": job.path, "size": job.size}, {job.path: held.plan(job.first, job.last)}
    images.write(
        job.shard,
        np.stack(pictures) if pictures else np.empty((0, job.size, job.size, 3), np.uint8),
        np.array(index, dtype=np.int64),
        Provenance(stage="gather", code=job.code, config=config, listings=listing),
        attributes={"vocabulary": canonical_json({"scene": list(held.classes)})},
        skipped=skipped,
        label=np.array(labels, dtype=np.int64),
        group=group_codes(read_names, job.groups) if job.groups else None,
    )


if __name__ == "__main__":
    command.run("gather", main)
