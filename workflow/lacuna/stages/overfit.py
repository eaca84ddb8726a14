"""Overfitting: has a generator learnt training images by heart?

Samples beside their nearest training images by L1, with held-out images as the control: real images that the generator
has not seen are as near to training images as honest samples may be. And walks through z: within a class from one z to
another, and one z through all classes, where learning by heart shows as jumps.

Shape suffixes: N and S images, J neighbours, K classes, T steps, Z latent vectors, D latent numbers, H height, W width.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lacuna.conditional.labelled import LabelledImages
from lacuna.conditional.neighbours import Neighbours, nearest
from lacuna.config.conditional import Overfit
from lacuna.errors import UserError
from lacuna.formats import overfits, tables
from lacuna.generators.acgan.model import SplitGenerator
from lacuna.generators.loading import load_generator
from lacuna.networks.pixels import resized_bytes, to_bytes
from lacuna.runtime import command, compute
from lacuna.runtime.provenance import Provenance

COLUMNS = ("side", "label", "row", "distance", "nearest_row", "nearest_label")
CHUNK = 1000
ANY_LABEL = 1 << 31  # labels are only carried along here
HONEST_SHARE = 0.01  # of held-out images are nearer than the distance that is called close


class Job(command.ComputingJob):
    """What the stage is told."""

    generated_images: list[str] = Field(description="shards of the generated source")
    generated_count: int
    real_images: list[str] = Field(description="shards of the real source")
    real_count: int
    training_images: list[str] = Field(description="shards of the training source")
    training_count: int
    family: str = Field("", description="of the generator, where the samples are one's")
    checkpoint: list[str] = Field([], description="the generator's, for walks through z")
    settings: Overfit
    seed: int = Field(description="root seed of the walks")
    tsv: str = Field(description="table of nearest images to write")
    summary: str = Field(description="summary to write")
    pictures: str = Field(description="HDF5 file of samples, neighbours and walks to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("overfit", Job, __doc__, argv)
    compute.configure(job.threads)
    settings = job.settings
    with (
        LabelledImages(job.generated_images, job.generated_count, ANY_LABEL) as generated,
        LabelledImages(job.real_images, job.real_count, ANY_LABEL) as real,
        LabelledImages(job.training_images, job.training_count, ANY_LABEL) as training,
    ):
        size = generated.size
        if min(real.size, training.size) < size:
            raise UserError(f"{job.training_images[0]}: real images smaller than the samples' {size} pixels")
        samples_SHW3, held_out_SHW3 = (
            resized_bytes(images.read(np.arange(min(settings.samples, len(images)))), size)
            for images in (generated, real)
        )
        S = len(samples_SHW3)
        chunks = (
            (rows, resized_bytes(images_NHW3, size))
            for rows, images_NHW3 in command.progress(
                training.batches(CHUNK), total=-(-len(training) // CHUNK), desc="overfit", unit="chunk"
            )
        )
        both_SHW3 = np.concatenate([samples_SHW3, held_out_SHW3])
        both = nearest(both_SHW3, chunks, settings.neighbours, compute.device(job.device))
        found, control = (Neighbours(both.distance[part], both.row[part]) for part in (slice(S), slice(S, None)))
        arrays: dict[str, NDArray[Any]] = {
            "samples": samples_SHW3,
            "label": generated.labels[:S],
            "distance": found.distance,
            "neighbours": np.stack([resized_bytes(training.read(rows), size) for rows in found.row]),
        }
        num_training = len(training)
        rows = table("generated", found, generated, training) + table("held-out", control, real, training)
    arrays |= walks(job, settings) if job.checkpoint else {}
    inputs = [*job.generated_images, *job.checkpoint]
    overfits.write(job.pictures, arrays, Provenance("overfit", job.code, settings.given(), job.seed, inputs))
    tables.write_tsv(job.tsv, COLUMNS, rows)
    tables.write_json(job.summary, summary(found, control, size) | {"code": job.code, "training": num_training})


def table(side: str, found: Neighbours, images: LabelledImages, training: LabelledImages) -> list[list[Any]]:
    """One row per image: its nearest training image."""
    return [
        [side, int(images.labels[k]), k, float(distance), int(row), int(training.labels[row])]
        for k, (distance, row) in enumerate(zip(found.distance[:, 0], found.row[:, 0], strict=True))
    ]


def summary(found: Neighbours, control: Neighbours, size: int) -> dict[str, Any]:
    """Distances of samples and of held-out images to their nearest training image, in levels of 255."""
    close = float(np.quantile(control.distance[:, 0], HONEST_SHARE))
    return {
        "size": size,
        "median_distance": float(np.median(found.distance[:, 0])),
        "median_distance_held_out": float(np.median(control.distance[:, 0])),
        "close_distance": close,
        "share_close": float((found.distance[:, 0] < close).mean()),
        "share_close_expected": HONEST_SHARE,
    }


def walks(job: Job, settings: Overfit) -> dict[str, NDArray[np.uint8]]:
    """`strips` (K, T, H, W, 3) and `varied` (Z, K, H, W, 3)."""
    device = compute.device(job.device)
    generator = SplitGenerator([load_generator(job.family, path, device) for path in job.checkpoint])
    classes = torch.tensor(generator.classes, device=device)
    K, T, Z = len(classes), settings.steps, settings.latents
    random = compute.generator(job.seed, "overfit", "walks")
    ends_K2D = torch.randn(K, 2, generator.z_dim, generator=random).to(device)
    share_T1 = torch.linspace(0, 1, T, device=device)[:, None]
    between_KTD = torch.lerp(ends_K2D[:, :1], ends_K2D[:, 1:], share_T1)
    z_ZD = torch.randn(Z, generator.z_dim, generator=random).to(device)
    with torch.inference_mode():
        strips = to_bytes(generator(between_KTD.flatten(0, 1), classes.repeat_interleave(T)))
        varied = to_bytes(generator(z_ZD.repeat_interleave(K, 0), classes.repeat(Z)))
    return {"strips": strips.reshape(K, T, *strips.shape[1:]), "varied": varied.reshape(Z, K, *varied.shape[1:])}


if __name__ == "__main__":
    command.run("overfit", main)
