"""Latent vectors by index, as the published code draws them: row i of numpy's `RandomState(seed).standard_normal`.

Shape suffixes: N images, D latent numbers.
"""

import numpy as np
from numpy.typing import NDArray

from lacuna.errors import UserError

MOST_Z_AT_ONCE = 4096  # rows drawn at a time on the way to the first one wanted


def latents(seed: int, first: int, last: int, z_dim: int) -> NDArray[np.float32]:
    """Rows `first` to `last` of the seed's stream of latent vectors: (N, D)."""
    if not 0 <= first <= last or not 0 <= seed < 2**32:
        raise UserError(
            f"images {first} to {last} of seed {seed} asked for, expected 0 <= first <= last and a seed below 2^32"
        )
    random = np.random.RandomState(seed)
    for start in range(0, first, MOST_Z_AT_ONCE):
        random.standard_normal((min(MOST_Z_AT_ONCE, first - start), z_dim))
    return random.standard_normal((last - first + 1, z_dim)).astype(np.float32)
