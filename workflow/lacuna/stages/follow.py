"""Follow a training: the distance of the generator's snapshots to real images, from the first to the last.

Every snapshot draws images of the latent vectors of the comparison's generated source, which are prepared, segmented
and counted as its images are: with as many of them, the last point of the curve is the comparison's own distance.
Fewer images than in the comparison by default, so that the whole curve costs about as much.

Shape suffixes: N images, D latent numbers, H height, W width, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lacuna.areas.frechet import frechet
from lacuna.areas.moments import Moments, of_rows
from lacuna.data.latents import latents
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.formats import checkpoints, files, moments, tables
from lacuna.generators.chain import Generator
from lacuna.generators.loading import load_generator
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import command, compute
from lacuna.runtime.batches import BatchSize, in_batches
from lacuna.segmenters.class_areas import areas_of
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.segmenter import Segmenter

COLUMNS = ("images", "size", "fsd", "mean_term", "covariance_term", "num_real", "num_generated")


@dataclass(frozen=True)
class Judge:
    """Real moments of the classes of one category, the segmenter that they are of, and how images reach it."""

    real: Moments
    category: str
    segmenter: Segmenter
    preparation: Preparation


class Job(command.ComputingJob):
    """What the stage is told."""

    family: str
    snapshots: Path = Field(description="folder of the generator's weights on the way")
    generator_settings: dict[str, Any]
    moments: str = Field(description="moments of the real source")
    segmenter_family: str
    segmenter: str = Field(description="weights of the segmenter")
    segmenter_settings: dict[str, Any] = Field({}, description="JSON: what its entry says beside its weights")
    settings: dict[str, Any] = Field(description="JSON: those of segment")
    category: str = Field(description="of the classes that the distance is of, as fsd has it")
    count: int = Field(description="images of each snapshot")
    batch_size: int = Field(description="images at once, as segment has it")
    seed: int = Field(description="of z: that of the comparison's generated source")
    card: Path = Field(description="card of the training")
    tsv: Path = Field(description="curve to write")
    with_curve: Path = Field(description="card with the curve, to write")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("follow", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    precision = job.settings["precision"]
    segmenter = load_segmenter(job.segmenter_family, job.segmenter, device, precision, job.segmenter_settings)
    preparation = Preparation.of(job.settings, segmenter.size)
    judge = Judge(real_moments(job.moments, job.category), job.category, segmenter, preparation)
    size, rows = BatchSize(job.batch_size), []
    for path in command.progress(snapshots(job.snapshots), desc="follow", unit="snapshot"):
        generator = load_generator(job.family, path, device, job.generator_settings)
        shown = int(checkpoints.load_weights(path)[1]["images"])
        generated = of_rows(segmented(generator, judge, latents(job.seed, 0, job.count - 1, generator.z_dim), size))
        found = frechet(judge.real, generated)
        rows.append(
            (shown, generator.size, found.fsd, found.mean_term, found.covariance_term, judge.real.count, job.count)
        )
    tables.write_tsv(job.tsv, COLUMNS, rows)
    files.write_text(job.with_curve, job.card.read_text(encoding="utf-8") + curve(rows))


def snapshots(folder: Path) -> list[Path]:
    """Weights on the way, in the order of images shown.

    Raises:
        UserError: there are none.
    """
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise UserError(
            f"{folder}: no snapshots, expected weights beside the sheets; train again, sheet_interval apart"
        )
    return found


def real_moments(path: str, category: str) -> Moments:
    """Moments of one category's classes in the real source.

    Raises:
        UserError: its tables hold none.
    """
    source = moments.read(path)
    chosen = np.flatnonzero(np.array(source.categories) == category)
    if not len(chosen):
        raise UserError(f"fsd.category: {category!r} is not in the moments of {path}; add it to segment.heads")
    return source.columns(chosen).moments


@torch.inference_mode()
def segmented(generator: Generator, judge: Judge, z_ND: NDArray[np.float32], size: BatchSize) -> NDArray[np.float64]:
    """(N, C) areas of the generator's images in percent."""
    device = next(generator.parameters()).device

    def percent(rows: slice) -> NDArray[np.float64]:
        drawn_NHW3 = to_bytes(generator(torch.from_numpy(z_ND[rows]).to(device)), "a snapshot of the training")
        images_NHW3 = np.stack([judge.preparation(Image.fromarray(image)) for image in drawn_NHW3])
        area_px_NC = areas_of(judge.segmenter, images_NHW3, (judge.category,), slice(None))
        return np.asarray(area_px_NC * (100 / images_NHW3[0, ..., 0].size))

    return np.concatenate(list(in_batches(percent, len(z_ND), size)))


def curve(rows: Sequence[Sequence[float]]) -> str:
    """The curve as a section of the card."""
    lines = "\n".join(f"| {row[0]:,} | {row[1]} | {row[2]:.2f} | {row[3]:.2f} | {row[4]:.2f} |" for row in rows)
    _, _, _, _, _, real, generated = rows[0]
    return f"""
FSD of the snapshots, {real:,} real against {generated:,} generated images:

| images shown | size in pixels | FSD | mean areas | covariance |
|---|---|---|---|---|
{lines}
"""


if __name__ == "__main__":
    command.run("follow", main)
