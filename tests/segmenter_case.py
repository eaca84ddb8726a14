"""An untrained segmenter of the world's classes that finds many of them in every scene, and a few scenes."""

import json
from pathlib import Path

import torch

from lacuna.formats import checkpoints
from lacuna.segmenters.parsing_segmenter import build_network
from lacuna.segmenters.upernet.checkpoint import metadata
from lacuna.stages import render
from lacuna.world import PART_OWNERS, VOCABULARY

ARCHITECTURE = {
    "encoder": {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 4, 8, 8],
                "stem_stride": 2},
    "fpn_dim": 8, "ppm_dim": 4,
}  # fmt: skip
SIZE = 32
WORLD = {"size": SIZE, "omit": [], "scale": {}, "scenes": {}, "palette": "day", "distort": {}, "distort_strength": 1}


def save_segmenter(path: Path) -> None:
    """Write its weights; those of the heads are spread, so that no class wins everywhere."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(VOCABULARY, PART_OWNERS, ARCHITECTURE)
    for name in ("object", "part", "material"):
        head = getattr(network.decoder, f"{name}_head")[1]
        head.weight.data = 30 * (head.weight.data - head.weight.data.mean(dim=1, keepdim=True))
        head.bias.data.zero_()
    found = metadata(VOCABULARY, PART_OWNERS, ARCHITECTURE, SIZE)
    checkpoints.save_weights(path, network.state_dict(), found)


def save_scenes(path: Path, count: int) -> None:
    """Write a shard of scenes."""
    settings = json.dumps(WORLD)
    render.main(["--settings", settings, "--seed", "1", "--first", "0", "--last", str(count - 1), "--shard", str(path),
                 "--code", "c"])  # fmt: skip
