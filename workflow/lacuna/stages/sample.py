"""Sample a generator: latent vectors and the images that it makes of them, one shard per job.

z of image i is row i of numpy's `RandomState(seed).standard_normal`, as in the published code, so image i is the same
whatever the count and the shards. A generator with K classes draws them in turn, image i the class i mod K; several
checkpoints, each of other classes, are sampled as one generator.

A generator that comes with an encoder has no prior: z of image i is what the encoder makes of image i of a source.

Bytes are rounded; the published code truncates, which darkens by half a level.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from lacuna import families
from lacuna.data import shards_of, whole
from lacuna.data.held import Plan
from lacuna.data.latents import latents
from lacuna.data.whole import Whole
from lacuna.errors import UserError
from lacuna.formats import images
from lacuna.generators.acgan.model import SplitGenerator
from lacuna.generators.chain import Generator
from lacuna.generators.loading import load_generator, load_own_encoder
from lacuna.networks.pixels import from_bytes, to_bytes
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.runtime.provenance import Provenance


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
    device = compute.device(job.device)
    parts = [load_generator(job.family, path, device, job.generator_settings) for path in job.checkpoint]
    size = BatchSize(job.batch_size)
    pictures = read_images(job, parts[0].size) if job.images else None
    index_N = pictures.index_N if pictures else np.arange(job.first, job.last + 1)
    if pictures:
        z_ND = encoded(job, pictures.images_NHW3, size)
    else:
        z_ND = latents(job.seed, job.first, job.last, parts[0].z_dim)
    generator, label_N = conditional(parts, index_N)
    origin = f"{job.family} generator {', '.join(map(str, job.checkpoint))}, images {job.first}-{job.last}"
    images_NHW3 = sample(generator, z_ND, size, label_N, origin)
    config = {"family": job.family, "settings": job.generator_settings, "batch_size": job.batch_size} | size.note()
    images.write(
        job.shard,
        images_NHW3,
        index_N,
        Provenance("sample", job.code, config, job.seed, input_files(job), pictures.listing if pictures else {}),
        skipped=pictures.skipped if pictures else (),
        z=z_ND,
        label=label_N,
    )


def read_images(job: Job, size: int) -> Whole:
    """The images that are drawn again."""
    plan = Plan(job.manifest, job.planned)
    return whole.read(job.images, job.first, job.last, job.source, size, plan, job.batch_size)


@torch.inference_mode()
def encoded(job: Job, images_NHW3: NDArray[np.uint8], size: BatchSize) -> NDArray[np.float32]:
    """Z (N, D) of images.

    Raises:
        UserError: the generator has no encoder of its own.
    """
    device = compute.device(job.device)
    encoder = load_own_encoder(job.family, job.checkpoint[0], device, job.generator_settings)
    if encoder is None:
        raise UserError(f"{job.checkpoint[0]}: no encoder, expected one for images to be drawn again; give no images")
    batches = in_batches(lambda rows: encoder(from_bytes(images_NHW3[rows], device)).cpu(), len(images_NHW3), size)
    return np.concatenate([z_ND.float().numpy() for z_ND in batches])


def input_files(job: Job) -> list[str]:
    """Weights, and shards of images that are drawn again."""
    weights = [file for path in job.checkpoint for file in families.files("generators", job.family, path)]
    return [*weights, *shards_of(job.images)]


def conditional(parts: Sequence[Generator], index_N: NDArray[np.int64]) -> tuple[nn.Module, NDArray[np.int64] | None]:
    """The generators as one, and the label of each image; of a generator without classes itself, and none.

    Raises:
        UserError: several generators that are not of classes, or share one.
    """
    if len(parts) == 1 and not parts[0].classes:
        return parts[0], None
    if not all(part.classes for part in parts):
        raise UserError(f"{len(parts)} checkpoints of a family without classes, expected one")
    generator = SplitGenerator(parts)
    return generator, np.array(generator.classes)[index_N % len(generator.classes)]


@torch.inference_mode()
def sample(
    generator: nn.Module,
    z_ND: NDArray[np.float32],
    size: BatchSize,
    label_N: NDArray[np.int64] | None = None,
    origin: str = "the generator",
) -> NDArray[np.uint8]:
    """Images (N, H, W, 3) of the latent vectors, and of the labels where the generator takes them.

    Raises:
        UserError: an image is not finite; `origin` names the generator.
    """
    device = next(generator.parameters()).device
    inputs = [torch.from_numpy(array) for array in (z_ND, label_N) if array is not None]
    batches = in_batches(
        lambda rows: to_bytes(generator(*(tensor[rows].to(device) for tensor in inputs)), origin), len(z_ND), size
    )
    total = math.ceil(len(z_ND) / size.asked)
    return np.concatenate(list(command.progress(batches, total=total, desc="sample", unit="batch")))


if __name__ == "__main__":
    command.run("sample", main)
