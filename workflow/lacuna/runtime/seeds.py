"""The one way from the root seed to random numbers: independent streams by name, no global state."""

import hashlib

import numpy as np


def seed_for(root_seed: int, *names: str | int) -> int:
    """Seed of one stream, 0 to 2^63 - 1, from the root seed and what the numbers are for: stage, source, image."""
    text = "/".join(str(part) for part in (root_seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1  # 63 bits: torch takes int64


def rng(root_seed: int, *names: str | int) -> np.random.Generator:
    """NumPy's random generator of one stream; `compute.generator` is torch's."""
    return np.random.default_rng(seed_for(root_seed, *names))
