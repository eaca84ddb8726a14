"""Sample a generator: latent vectors and the images that it makes of them, one shard a job.

z of image i is row i of numpy's `RandomState(seed).standard_normal`, as in the published code, so image i is the same
whatever the count and the shards. Bytes are rounded; the published code truncates, which darkens by half a level.

Shape suffixes: N images, D latent numbers, H height, W width.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lacuna.formats import images
from lacuna.kit import command, compute
from lacuna.kit.provenance import Provenance
from lacuna.models.pixels import to_bytes
from lacuna.registry.generators import load_generator

MOST_Z_AT_ONCE = 4096  # rows drawn at a time on the way to the first one wanted


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    compute.threads(args.threads)
    generator = load_generator(args.family, args.checkpoint, compute.device(args.device), args.generator_settings)
    z_ND = latents(args.seed, args.first, args.last, generator.z_dim)
    config = {"family": args.family, "settings": args.generator_settings, "batch_size": args.batch_size}
    images.write(
        args.shard,
        sample(generator, z_ND, args.batch_size),
        np.arange(args.first, args.last + 1),
        Provenance(stage="sample", code=args.code, config=config, seed=args.seed, inputs=[args.checkpoint]),
        z=z_ND,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command.parser("sample", __doc__)
    parser.add_argument("--family", required=True)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--generator-settings", type=command.json_object, default={})
    parser.add_argument("--seed", required=True, type=int, help="of z, 0 to 2^32 - 1")
    parser.add_argument("--first", required=True, type=int, help="index of the shard's first image")
    parser.add_argument("--last", required=True, type=int, help="index of its last image")
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--device", required=True)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--shard", required=True, type=Path)
    return parser.parse_args(argv)


def latents(seed: int, first: int, last: int, z_dim: int) -> NDArray[np.float32]:
    """Rows `first` to `last` of the seed's stream of latent vectors: (N, D)."""
    if not 0 <= first <= last or not 0 <= seed < 2**32:
        raise ValueError(
            f"images {first} to {last} of seed {seed} asked for, expected 0 <= first <= last and a seed below 2^32"
        )
    random = np.random.RandomState(seed)
    for start in range(0, first, MOST_Z_AT_ONCE):
        random.standard_normal((min(MOST_Z_AT_ONCE, first - start), z_dim))
    return random.standard_normal((last - first + 1, z_dim)).astype(np.float32)


def sample(generator: nn.Module, z_ND: NDArray[np.float32], batch_size: int) -> NDArray[np.uint8]:
    """Images (N, H, W, 3) of the latent vectors."""
    device = next(generator.parameters()).device
    starts = command.progress(range(0, len(z_ND), batch_size), desc="sample", unit="batch")
    with torch.inference_mode():
        batches = [to_bytes(generator(torch.from_numpy(z_ND[i : i + batch_size]).to(device))) for i in starts]
    return np.concatenate(batches)


if __name__ == "__main__":
    command.run("sample", main)
