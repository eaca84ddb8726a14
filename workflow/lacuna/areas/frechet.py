"""Frechet distance of two sets of class areas, and what each class has in it.

Shape suffixes: C classes. Everything in (percent of image area) squared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

from .moments import Moments

Array = NDArray[np.float64]

# Directions of the coupling weaker than this share of the strongest are rounding noise: eps * classes is 7e-14.
COUPLING_TOLERANCE = 1e-12


@dataclass(frozen=True)
class FrechetDistance:
    """`fsd` is `mean_term` plus `covariance_term`."""

    fsd: float
    mean_term: float
    covariance_term: float


@dataclass(frozen=True)
class Contributions:
    """The distance shared out: `mean_C` adds up to the mean term, `pair_CC` to the covariance term; none is negative.

    Row c of `pair_CC` adds up to what class c has in the covariance term.
    """

    mean_C: Array
    pair_CC: Array

    @property
    def by_class(self) -> Array:
        """(C,) what each class has in the distance; adds up to it."""
        return self.mean_C + self.pair_CC.sum(axis=1)

    def heaviest_pairs(self, most: int) -> list[tuple[int, int, float]]:
        """The pairs i <= j heaviest in the covariance term, entries (i, j) and (j, i) together, heaviest first."""
        pair_CC = np.triu(self.pair_CC) + np.triu(self.pair_CC.T, 1)
        order = np.argsort(-pair_CC, axis=None, kind="stable")[:most]
        places = [divmod(int(place), len(pair_CC)) for place in order]
        return [(i, j, float(pair_CC[i, j])) for i, j in places if pair_CC[i, j] > 0]


def frechet(a: Moments, b: Moments) -> FrechetDistance:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians with these moments.

    |mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2)). The last trace is the sum of the singular values
    of L_a^T L_b, where cov = L L^T: no root of a product is taken, so singular and equal ones are no special case.

    Source:
        Dowson and Landau 1982, The Frechet Distance between Multivariate Normal Distributions;
        Bau et al. 2019, arXiv:1910.11626, section 3.1.
    """
    check_same_classes(a, b)
    mean_term = float(np.sum((a.mean - b.mean) ** 2))
    if np.array_equal(a.mean, b.mean) and np.array_equal(a.cov, b.cov):
        return FrechetDistance(0.0, 0.0, 0.0)
    root_a, root_b = factor(a.cov), factor(b.cov)
    coupled = np.linalg.svd(root_a.T @ root_b, compute_uv=False).sum() if root_a.size and root_b.size else 0.0
    # A square of a distance; what is below zero is rounding of the traces.
    covariance_term = max(0.0, float(np.trace(a.cov) + np.trace(b.cov) - 2 * coupled))
    return FrechetDistance(mean_term + covariance_term, mean_term, covariance_term)


def contributions(a: Moments, b: Moments) -> Contributions:
    """Share the distance out over classes and pairs of classes.

    The distance is the least mean of |x - y|^2 over all ways to pair images x of one Gaussian with images y of the
    other. In the best pairing, x = mean_a + S_a e and y = mean_b + S_b P^T e + rest, where S is the symmetric root of
    cov, P the polar factor of S_a S_b, and e has one independent unit of variation a class. Entry (i, j) is the mean
    square by which class i differs for the unit of class j; variance of b that a cannot supply (`rest`) stays with its
    class, on the diagonal. So row i adds up to the mean square by which class i moves in the best pairing.

    Source:
        Peyre and Cuturi 2019, Computational Optimal Transport, remark 2.31 (the map between Gaussians).
    """
    check_same_classes(a, b)
    live = (a.cov.diagonal() > 0) | (b.cov.diagonal() > 0)
    root_a, root_b = symmetric_root(a.cov[np.ix_(live, live)]), symmetric_root(b.cov[np.ix_(live, live)])
    left, strength, right = np.linalg.svd(root_a @ root_b)
    kept = strength > COUPLING_TOLERANCE * strength.max(initial=0)
    carried = root_b @ right[kept].T @ left[:, kept].T
    rest = np.maximum(0, (root_b**2).sum(axis=1) - (carried**2).sum(axis=1))
    pair_CC = np.zeros_like(a.cov)
    pair_CC[np.ix_(live, live)] = (root_a - carried) ** 2 + np.diag(rest)
    return Contributions((a.mean - b.mean) ** 2, pair_CC)


def factor(cov: Array) -> Array:
    """L with cov = L L^T, directions without variance left out: (C, rank)."""
    live = np.flatnonzero(cov.diagonal() > 0)
    deviations, vectors = spread(cov[np.ix_(live, live)])
    root = np.zeros((len(cov), len(deviations)))
    root[live] = vectors * deviations
    return root


def symmetric_root(cov: Array) -> Array:
    """The symmetric S with cov = S S."""
    deviations, vectors = spread(cov)
    return (vectors * deviations) @ vectors.T


def spread(cov: Array) -> tuple[Array, Array]:
    """Standard deviations (rank,) along the axes (C, rank) of a covariance.

    An eigenvalue under classes * eps of the largest is rounding of zero. Its root would be 1e-7 of the largest
    deviation and would show in the distance; areas that sum to the image always have such a direction.
    """
    values, vectors = np.linalg.eigh(cov)
    kept = values > len(cov) * np.finfo(np.float64).eps * values.max(initial=0)
    return np.sqrt(values[kept]), vectors[:, kept]


def check_same_classes(a: Moments, b: Moments) -> None:
    if a.mean.shape != b.mean.shape:
        raise UserError(
            f"class lists differ in length, {len(a.mean)} and {len(b.mean)}; use one segmenter for both sides"
        )
