"""How well each method inverts: what was found against the truth where it is known, and against the image.

Shape suffixes: N images, D latent numbers, B resamples.

Source:
    Bau et al. 2019, arXiv:1910.11626, section 4.3.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from lacuna import families
from lacuna.config.inversion import SearchSettings
from lacuna.errors import UserError
from lacuna.formats import inversions, tables
from lacuna.formats.files import atomic
from lacuna.formats.images import ImageShards
from lacuna.formats.inversions import Inversions
from lacuna.generators.chain import head
from lacuna.generators.loading import load_generator
from lacuna.inversion.correlation import pearson
from lacuna.inversion.labels import lost_mask, object_maps
from lacuna.inversion.layers import latent_width, path
from lacuna.inversion.objective import mean_difference
from lacuna.inversion.perceptual import PerceptualNetwork
from lacuna.inversion.perceptual_loading import load_perceptual
from lacuna.inversion.states import packed
from lacuna.networks.pixels import from_bytes
from lacuna.report.figures import style
from lacuna.report.figures.inversions import methods_figure
from lacuna.runtime import command, compute, seeds
from lacuna.runtime.provenance import digest_file
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.segmenter import Segmenter

COLUMNS = ("method", "quantity", "truth", "mean", "low", "high", "num_images")
RESAMPLES = 2000
FIGURE_ROWS = 6


class Job(command.ComputingJob):
    """What the stage is told."""

    inversions: str = Field(description="folder with METHOD/GENERATOR/SOURCE/SHARD.h5")
    methods: list[str]
    generator: str = Field(description="name of the generator")
    source: str = Field(description="name of the source of the images")
    count: int
    shard_size: int
    family: str
    checkpoint: str = Field(description="weights of the generator")
    generator_settings: dict[str, Any] = Field({})
    perceptual_family: str
    perceptual_checkpoint: str
    perceptual_settings: dict[str, Any] = Field({})
    segmenter_family: str
    segmenter_checkpoint: str
    segmenter_settings: dict[str, Any] = Field({})
    images: list[str] = Field(description="HDF5 shards of the images; samples know their z")
    confidence: float = Field(description="two-sided level of the intervals")
    settings: SearchSettings
    seed: int
    figure: str = Field(description="SVG: the first images beside what each method made of them")
    tsv: str


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    job = command.job("evaluate", Job, __doc__, argv)
    compute.configure(job.threads)
    device = compute.device(job.device)
    generator = packed(load_generator(job.family, job.checkpoint, device, job.generator_settings))
    perceptual = load_perceptual(job.perceptual_family, job.perceptual_checkpoint, device, job.perceptual_settings)
    segmenter = load_segmenter(job.segmenter_family, job.segmenter_checkpoint, device, settings=job.segmenter_settings)
    weights = families.files("generators", job.family, job.checkpoint)
    rows: list[tuple[Any, ...]] = []
    pictures: dict[str, NDArray[np.uint8]] = {}
    for method in job.methods:
        folder = Path(job.inversions) / method / job.generator / job.source
        found = inversions.read_shards(folder, job.count, job.shard_size, ("x", "x_hat"))
        pictures |= {"target": found.x[:FIGURE_ROWS], method: found.x_hat[:FIGURE_ROWS]}
        values = image_errors(found, perceptual, job.settings.feature_levels, device)
        values["lost_area"] = lost_areas(found, segmenter, job.settings.batch_size)
        truth_ND = true_latents(job.images, weights, found.index, latent_width(generator))
        if truth_ND is not None:
            latent = inversions.read_shards(folder, job.count, job.shard_size, ("z", "residuals"))
            values |= correlations(latent, head(generator, latent.layer), torch.from_numpy(truth_ND).to(device))
        for quantity, values_N in values.items():
            rng = seeds.rng(job.seed, "evaluate", method, quantity)
            low, high = bootstrap_interval(values_N, rng, job.confidence)
            known = "no" if truth_ND is None else "yes"
            rows.append((method, quantity, known, float(values_N.mean()), low, high, len(values_N)))
    with atomic(job.figure) as partial:
        style.save(methods_figure(pictures), partial, "svg")
    tables.write_tsv(job.tsv, COLUMNS, rows)


def true_latents(
    images: Sequence[str], weights: Sequence[str], index_N: NDArray[np.int64], width: int
) -> NDArray[np.float32] | None:
    """Latents (N, D) of the images, where they are samples of the generator with these files of weights.

    Raises:
        UserError: they have another width than the generator's z.
    """
    shards_paths = [path for path in images if Path(path).suffix == ".h5"]
    if not shards_paths:
        return None
    with ImageShards(shards_paths) as shards:
        makers = json.loads(shards.attributes["inputs"]).values()
        if "z" not in shards or not {digest_file(path) for path in weights} <= set(makers):
            return None
        rows = {int(number): row for row, number in enumerate(shards.index)}
        found: NDArray[np.float32] = shards.read("z", [rows[int(number)] for number in index_N])
    if found.shape[1] != width:
        raise UserError(
            f"{shards_paths[0]}: z of {found.shape[1]} numbers, expected the generator's {width}; run sample again"
        )
    return found


@torch.no_grad()
def correlations(found: Inversions, generator_head: nn.Sequential, truth_ND: Tensor) -> dict[str, NDArray[np.float64]]:
    """Correlation of z and of each r_k with the truth, image by image: (N,) by quantity.

    `chance_...` is the mean over the other images' truths: features share a large mean, so it is far from 0.
    """
    residuals = {k: torch.from_numpy(d).to(truth_ND.device) for k, d in found.residuals.items()}
    z_ND = torch.from_numpy(found.z).to(truth_ND.device)
    pairs = [(z_ND, truth_ND), *zip(path(generator_head, z_ND, residuals), path(generator_head, truth_ND), strict=True)]
    names = ["z", *(f"r_{k}" for k in range(1, found.layer)), "r_n"]
    values = {}
    for name, (estimate, truth) in zip(names, pairs, strict=True):
        matrix_NN = pearson(estimate, truth).cpu().numpy()
        values[f"correlation_{name}"] = matrix_NN.diagonal().copy()
        if len(matrix_NN) > 1:
            others_N = (matrix_NN.sum(axis=1) - matrix_NN.diagonal()) / (len(matrix_NN) - 1)
            values[f"chance_correlation_{name}"] = others_N
    return values


@torch.no_grad()
def image_errors(
    found: Inversions, perceptual: PerceptualNetwork, levels: Sequence[int], device: torch.device
) -> dict[str, NDArray[np.float64]]:
    """Mean absolute difference of image and reconstruction, (N,) by quantity: of pixels in [-1, 1], of features.

    Features of several levels count the same.
    """
    pixel_N, perceptual_N = [], []
    for x, x_hat in zip(found.x, found.x_hat, strict=True):
        a, b = from_bytes(x[None], device), from_bytes(x_hat[None], device)
        maps = zip(perceptual.features(a), perceptual.features(b), strict=True)
        errors = [mean_difference(*pair) for pair in maps]
        pixel_N.append(mean_difference(a, b))
        perceptual_N.append(torch.stack([errors[level] for level in levels]).mean(dim=0))
    columns = {"pixel_l1": pixel_N, "perceptual_l1": perceptual_N}
    return {name: torch.cat(values).double().cpu().numpy() for name, values in columns.items()}


def lost_areas(found: Inversions, segmenter: Segmenter, batch_size: int) -> NDArray[np.float64]:
    """(N,) percent of each image that shows an object there and another, or none, in the reconstruction."""
    maps = [object_maps(segmenter, images, batch_size) for images in (found.x, found.x_hat)]
    return np.asarray(100 * lost_mask(*maps).mean(axis=(1, 2)), dtype=np.float64)


def bootstrap_interval(
    values_N: NDArray[np.float64], rng: np.random.Generator, confidence: float
) -> tuple[float, float]:
    """Percentile interval of the mean over images, from `RESAMPLES` resamples of the images."""
    rows_BN = rng.integers(len(values_N), size=(RESAMPLES, len(values_N)))
    low, high = np.quantile(values_N[rows_BN].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


if __name__ == "__main__":
    command.run("evaluate", main)
