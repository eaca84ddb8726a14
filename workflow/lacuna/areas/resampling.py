"""How the distance depends on the number of images: subsets, extrapolation, interval, and the baseline.

The images of a source are dealt at random into equal blocks whose moments are taken once; a subset is a union of
blocks, so a resample costs the same for a thousand images as for a million.
Shape suffixes: N images, C classes, K blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from lacuna.errors import UserError

from .frechet import frechet
from .moments import Array, Moments, merge, of_rows

NUM_BLOCKS = 96  # divisible by 2, 3, 4, 6 and 8, so that shares of the images are whole blocks
FEWEST_IMAGES = 12  # per side; with fewer, a third of the images has no covariance worth the name
FIT_PARTS = (1, 2, 3)  # the line goes through all images, halves and thirds; smaller parts bend away from it
CURVE_PARTS = (1, 2, 3, 4, 6, 8)
ROUNDING = 1e-9  # distances under this are those of equal tables


@dataclass(frozen=True)
class Blocks:
    """Moments of the disjoint random blocks of one source: counts (K,), means (K, C), scatters (K, C, C)."""

    count_K: Array
    mean_KC: Array
    scatter_KCC: Array

    def __len__(self) -> int:
        return len(self.count_K)

    def columns(self, chosen: NDArray) -> Blocks:
        """The same blocks with some of the classes."""
        places = np.arange(self.mean_KC.shape[1])[chosen]
        return Blocks(self.count_K, self.mean_KC[:, places], self.scatter_KCC[:, places[:, None], places])


@dataclass(frozen=True)
class SampleSize:
    """Mean distance over subsets of this many images; the baseline is real against real, None for all images."""

    num_real: int
    num_generated: int
    fsd: float
    baseline_fsd: float | None


@dataclass(frozen=True)
class Baseline:
    """Disjoint parts of the real source against each other, `low` to `high` holding `confidence` of the random splits.

    `fsd` is what the generated source is from the real one at the same number of images.
    """

    baseline: float
    low: float
    high: float
    num_images: int
    fsd: float


@dataclass(frozen=True)
class Extrapolation:
    """The distance at infinitely many images, with its interval over images."""

    fsd: float
    low: float
    high: float


def deal(areas_NC: NDArray, unit: float, rng: np.random.Generator) -> Blocks:
    """Deal the rows into random blocks, each value multiplied by `unit`."""
    num_blocks = blocks_for(len(areas_NC))
    order_N = rng.permutation(len(areas_NC))
    blocks = deal_chunks([areas_NC], unit, order_N % max(num_blocks, 1), num_blocks)
    if blocks is None:
        raise UserError(f"{len(areas_NC)} images, expected at least {FEWEST_IMAGES} to resample; raise the count")
    return blocks


def blocks_for(count: int) -> int:
    """NUM_BLOCKS blocks, a smaller multiple of six for fewer independent images, none under FEWEST_IMAGES."""
    return min(NUM_BLOCKS, count // 6 * 6) if count >= FEWEST_IMAGES else 0


def deal_chunks(chunks: Iterable[NDArray], unit: float, block_N: NDArray[np.int64], num_blocks: int) -> Blocks | None:
    """Deal rows that come in chunks; memory holds one chunk. All chunks are read, also where there are no blocks.

    Args:
        block_N: block of each row, at random; rows that are not independent of each other lie in one.

    Returns:
        None without blocks.
    """
    parts: list[Moments | None] = [None] * num_blocks
    done = 0
    for areas_NC in chunks:
        in_block_N = block_N[done : done + len(areas_NC)]
        done += len(areas_NC)
        for place in range(num_blocks):
            rows_NC = areas_NC[in_block_N == place]
            if len(rows_NC):
                part, before = of_rows(rows_NC, unit), parts[place]
                parts[place] = part if before is None else merge(before, part)
    blocks = [part for part in parts if part is not None]
    if not blocks:
        return None
    count_K = np.array([part.count for part in blocks], dtype=np.float64)
    scatter_KCC = np.stack([part.cov * (part.count - 1) for part in blocks])
    return Blocks(count_K, np.stack([part.mean for part in blocks]), scatter_KCC)


def union(blocks: Blocks, chosen: NDArray) -> Moments:
    """Moments of the images of the chosen blocks together (Chan et al. 1979, for many parts at once)."""
    count_K, mean_KC = blocks.count_K[chosen], blocks.mean_KC[chosen]
    count = count_K.sum()
    mean_C = count_K @ mean_KC / count
    step_KC = mean_KC - mean_C
    scatter = blocks.scatter_KCC[chosen].sum(axis=0) + (step_KC * count_K[:, None]).T @ step_KC
    return Moments(int(count), mean_C, scatter / (count - 1))


def part_distances(real: Blocks, generated: Blocks, parts: int, splits: int, rng: np.random.Generator) -> Array:
    """Distances (splits, parts) of both sources split at random into that many disjoint parts, paired in turn."""
    return np.array([
        [frechet(union(real, chosen), union(generated, other)).fsd for chosen, other in zip(
            np.array_split(rng.permutation(len(real)), parts),
            np.array_split(rng.permutation(len(generated)), parts),
            strict=True,
        )]
        for _ in range(splits)
    ])  # fmt: skip


def extrapolate(fsd: float, halves_S2: Array, thirds_S3: Array, confidence: float) -> Extrapolation:
    """Extrapolate to infinitely many images by a line against 1 / n, with an interval over images.

    A percentile bootstrap would lie above its own estimate, since a resample is noisier than the sample. Instead: a
    random half of the images differs from the sample by as much as the sample differs from the population, and the
    other half by the opposite. Half the difference of the two halves' distances is the odd part of that noise, half
    their sum the even part. The variance of the odd part shrinks with the distance (both are squares), so at theta it
    is odd * theta / fsd; that of the even part is what remains at distance zero. The upper end is the theta at
    (theta - estimate)^2 = z^2 (even + odd * theta / fsd), as in a score interval; for the lower end theta in the
    variance is taken halfway to the estimate, since the noise leans to the high side: with its variance taken at the
    end, 7 % of simulated intervals lay above the truth instead of 2.5 %.

    Args:
        fsd: the distance of all images.
        halves_S2: distances of complementary halves.
        thirds_S3: distances of disjoint thirds.

    Source:
        Chong and Forsyth 2020, arXiv:1911.07023 (the line against 1 / n);
        Politis, Romano, Wolf 1999, Subsampling; Wilson 1927 for an interval with the variance taken at its end.
    """
    estimate = intercept(FIT_PARTS, (fsd, float(halves_S2.mean()), float(thirds_S3.mean())))
    odd = float(np.mean((halves_S2[:, 0] - halves_S2[:, 1]) ** 2)) / 4
    even = float(halves_S2.mean(axis=1).var(ddof=min(1, len(halves_S2) - 1)))
    z = float(norm.ppf((1 + confidence) / 2))
    slope = z**2 * odd / fsd if fsd > ROUNDING else 0.0
    square = z**2 * even + slope * max(estimate, 0.0)
    below, above = positive_root(slope / 4, square), positive_root(-slope / 2, square)
    return Extrapolation(estimate, estimate - below, estimate + above)


def positive_root(half: float, constant: float) -> float:
    """The d >= 0 with d^2 + 2 half d = constant."""
    return -half + math.sqrt(half**2 + constant)


def intercept(parts: Sequence[int], distances: Sequence[float]) -> float:
    """Least-squares line of the distance against 1 / n, that is against the number of parts, read off at zero."""
    return float(np.polynomial.polynomial.polyfit(parts, distances, 1)[0])


def baseline(
    real: Blocks, generated: Blocks, splits: int, rng: np.random.Generator, confidence: float = 0.95
) -> Baseline:
    """Disjoint parts of the real source against each other: halves, or smaller where fewer images are generated."""
    block, other_block = real.count_K.mean(), generated.count_K.mean()
    size = int(np.clip(len(generated) * other_block // block, 1, len(real) // 2))
    other_size = int(np.clip(round(size * block / other_block), 1, len(generated)))
    same, different = [], []
    for _ in range(splits):
        order = rng.permutation(len(real))
        one, two = union(real, order[:size]), union(real, order[size : 2 * size])
        same.append(frechet(one, two).fsd)
        different.append(frechet(one, union(generated, rng.permutation(len(generated))[:other_size])).fsd)
    low, high = np.quantile(same, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Baseline(float(np.mean(same)), float(low), float(high), round(size * block), float(np.mean(different)))


def sample_size_curve(real: Blocks, generated: Blocks, subsets: int, rng: np.random.Generator) -> list[SampleSize]:
    """How the distance falls with the number of images: for the paper's figure 4, and to see whether 1 / n holds.

    Each point is a mean over at least `subsets` subsets.
    """
    curve = []
    for parts in CURVE_PARTS:
        if min(smallest_part(real, parts), smallest_part(generated, parts)) < 2:  # one image has no covariance
            break
        splits = 1 if parts == 1 else -(-subsets // parts)
        mean = part_distances(real, generated, parts, splits, rng).mean()
        own = real_distances(real, parts, splits, rng) if parts > 1 else None
        num_real, num_generated = (round(blocks.count_K.sum() / parts) for blocks in (real, generated))
        curve.append(SampleSize(num_real, num_generated, float(mean), own))
    return curve


def smallest_part(blocks: Blocks, parts: int) -> int:
    """Images that a part may have at least, when the blocks are split into so many."""
    return int(len(blocks) // parts * blocks.count_K.min())


def real_distances(real: Blocks, parts: int, splits: int, rng: np.random.Generator) -> float:
    """Mean distance of two of so many disjoint parts of the real source."""
    found = []
    for _ in range(splits):
        one, two = np.array_split(rng.permutation(len(real)), parts)[:2]
        found.append(frechet(union(real, one), union(real, two)).fsd)
    return float(np.mean(found))
