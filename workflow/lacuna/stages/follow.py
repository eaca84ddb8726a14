"""Follow a training: the distance of the generator's snapshots to real images, from the first to the last.

Every snapshot draws images of the latent vectors of the comparison's generated source, which are prepared, segmented
and counted as its images are: with as many of them, the last point of the curve is the comparison's own distance.
Fewer images than in the comparison by default, so that the whole curve costs about as much.

Shape suffixes: N images, D latent numbers, H height, W width, C classes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

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


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.configure(args.threads)
    device = compute.device(args.device)
    segmenter = load_segmenter(args.segmenter_family, args.segmenter, device, args.settings["precision"])
    preparation = Preparation.of(args.settings, segmenter.size)
    judge = Judge(real_moments(args.moments, args.category), args.category, segmenter, preparation)
    size, rows = BatchSize(args.batch_size), []
    for path in command.progress(snapshots(args.snapshots), desc="follow", unit="snapshot"):
        generator = load_generator(args.family, path, device, args.generator_settings)
        shown = int(checkpoints.load_weights(path)[1]["images"])
        generated = of_rows(segmented(generator, judge, latents(args.seed, 0, args.count - 1, generator.z_dim), size))
        found = frechet(judge.real, generated)
        rows.append(
            (shown, generator.size, found.fsd, found.mean_term, found.covariance_term, judge.real.count, args.count)
        )
    tables.write_tsv(args.tsv, COLUMNS, rows)
    files.write_text(args.with_curve, args.card.read_text(encoding="utf-8") + curve(rows))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("follow", __doc__)
    parser.add_argument("--family", required=True)
    parser.add_argument("--snapshots", required=True, type=Path, help="folder of the generator's weights on the way")
    parser.add_argument("--generator-settings", required=True, type=command.json_object)
    parser.add_argument("--moments", required=True, help="moments of the real source")
    parser.add_argument("--segmenter-family", required=True)
    parser.add_argument("--segmenter", required=True, help="weights of the segmenter")
    parser.add_argument("--settings", required=True, type=command.json_object, help="JSON: those of segment")
    parser.add_argument("--category", required=True, help="of the classes that the distance is of, as fsd has it")
    parser.add_argument("--count", required=True, type=int, help="images of each snapshot")
    parser.add_argument("--batch-size", required=True, type=int, help="images at once, as segment has it")
    parser.add_argument("--seed", required=True, type=int, help="of z: that of the comparison's generated source")
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--card", required=True, type=Path, help="card of the training")
    parser.add_argument("--tsv", required=True, type=Path, help="curve to write")
    parser.add_argument("--with-curve", required=True, type=Path, help="card with the curve, to write")
    return parser.parse_args(argv)


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
