"""Sample a generator: the images that it makes, and what it makes them of, one shard per job.

Image i is the same whatever the count and the shards; generators/sampling.py says how. Bytes are rounded; the published
code truncates, which darkens by half a level.

Shape suffixes: N images, H height, W width.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lacuna import families
from lacuna.areas.images_read import one_color
from lacuna.data import shards_of, whole
from lacuna.data.held import Plan
from lacuna.data.whole import Whole
from lacuna.formats import images
from lacuna.generators.sampling import Redrawer, Request, load_sampler
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.runtime.provenance import Provenance

log = logging.getLogger(__name__)


class Job(command.ComputingJob):
    """What the stage is told."""

    family: str
    checkpoint: list[Path] = Field(description="several where classes are split")
    generator_settings: dict[str, Any] = Field({})
    seed: int = Field(description="of z, 0 to 2^32 - 1")
    first: int = Field(description="index of the shard's first image")
    last: int = Field(description="index of its last image")
    images: list[str] = Field([], description="HDF5 shards, or one path of a user: images that are encoded for z")
    source: dict[str, Any] = Field({}, description="how these are read")
    manifest: str = Field("", description="what the workflow saw of the user's source when it started")
    planned: str = Field("", description="digest of the user's files as the shard was planned")
    batch_size: int
    shard: Path


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("sample", Job, __doc__, argv)
    compute.configure(job.threads)
    device, size = compute.device(job.device), BatchSize(job.batch_size)
    if job.images:
        redrawer = Redrawer(job.family, job.checkpoint[0], device, job.generator_settings)
        plan = Plan(job.manifest, job.planned)
        read = whole.read(job.images, job.first, job.last, job.source, redrawer.size, plan, job.batch_size)
        request, note = redrawer(read.images_NHW3), {}
    else:
        sampler = load_sampler(job.family, job.checkpoint, device, job.generator_settings)
        read = Whole(np.arange(job.first, job.last + 1))
        request, note = sampler(job.seed, job.first, job.last), dict(sampler.note)
    origin = f"{job.family} generator {', '.join(map(str, job.checkpoint))}, images {job.first}-{job.last}"
    images_NHW3 = sample(request, size, origin)
    if plain := one_color(images_NHW3):
        log.warning("%d of %d images are of one color, as those that a safety checker blanks", plain, request.count)
    config = {"family": job.family, "settings": job.generator_settings, "batch_size": job.batch_size} | size.note()
    weights = [path for checkpoint in job.checkpoint for path in families.files("generators", job.family, checkpoint)]
    inputs = [*weights, *shards_of(job.images)]
    images.write(
        job.shard,
        images_NHW3,
        read.index_N,
        Provenance("sample", job.code, config | note, job.seed, inputs, read.listing),
        skipped=read.skipped,
        **request.kept,
    )


@torch.inference_mode()
def sample(request: Request, size: BatchSize, origin: str = "the generator") -> NDArray[np.uint8]:
    """Images (N, H, W, 3) of a request.

    Raises:
        UserError: an image is not finite; `origin` names the generator.
    """
    batches = in_batches(lambda rows: to_bytes(request.draw(rows), origin), request.count, size)
    total = math.ceil(request.count / size.asked)
    return np.concatenate(list(command.progress(batches, total=total, desc="sample", unit="batch")))


if __name__ == "__main__":
    command.run("sample", main)
