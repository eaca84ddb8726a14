"""Noise that an image's own z decides, whatever the batch or shard.

Shape suffixes: N images, D latent numbers.
"""

import hashlib

import torch
from torch import Tensor


def streams(z_ND: Tensor) -> list[torch.Generator]:
    """A stream of random numbers for each image, seeded from the bytes of its z, on the CPU."""
    return [
        torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(z_D.numpy().tobytes()).digest()[:8], "big") >> 1)
        for z_D in z_ND.detach().flatten(1).float().cpu()
    ]
