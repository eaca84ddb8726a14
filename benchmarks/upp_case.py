"""The published segmenter without its weights, and photos to try it on.

Weights follow the recipe of the golden data: each tensor is a function of its key, so nothing is downloaded. Where the
golden folder is there (LACUNA_GOLDEN, or ../shared/golden) its photos and the official labels are taken; elsewhere
scenes of the world, and made-up labels with the official counts.
"""

import json
import math
import os
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from lacuna.segmenters.parsing_segmenter import ParsingSegmenter, build_network
from lacuna.segmenters.upp import files as upp
from lacuna.segmenters.upp.checkpoint import ARCHITECTURE, PUBLISHED_BGR, SIZE, published_vocabulary
from lacuna.world import World

GOLDEN = Path(os.environ.get("LACUNA_GOLDEN", "../shared/golden"))
LABELS = GOLDEN.parent / "data" / "reference" / "upp_labels.json"
PHOTOS = 12
# First match: factor, and whether the mean over the inputs is taken away; without these the outputs degenerate.
GAINS = (
    (r"conv1\.weight", 1 / 64, False),
    (r"layer\d+\.\d+\.bn3\.weight", 0.25, False),
    (r"(object|material|part)_head\.1\.weight", 4.0, True),
)


def untrained() -> ParsingSegmenter:
    """The published architecture, 336 objects and 427 part channels, with recipe weights."""
    labels = upp.read_labels(LABELS) if LABELS.exists() else made_up_labels()
    classes, owners = published_vocabulary(labels)
    network = build_network(classes, owners, ARCHITECTURE)
    for part in (network.encoder, network.decoder):
        fill(part)
    return ParsingSegmenter(network.eval(), classes, owners, PUBLISHED_BGR, SIZE)


def photos() -> NDArray[np.uint8]:
    """(N, 256, 256, 3): photos of churches, or scenes."""
    meta = GOLDEN / "meta.json"
    if not meta.exists():
        world = World(size=SIZE, seed=1)
        return np.stack([world.scene(i).image for i in range(PHOTOS)])
    numbers = json.loads(meta.read_text())["tally_photos"][:PHOTOS]
    paths = [next((GOLDEN / "photos").glob(f"*_{number}_*")) for number in numbers]
    return np.stack([np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) for path in paths])


def made_up_labels() -> dict[str, Any]:
    """Labels with the official counts: 336 objects, 77 of them with parts, 26 materials, 365 scenes."""
    objects = ["-", *(f"object {number}" for number in range(1, 336))]
    counts = [6] * 42 + [5] * 35  # 427 channels in all
    owned = {objects[k + 1]: ["-", *(f"part {j}" for j in range(1, count))] for k, count in enumerate(counts)}
    materials = ["-", *(f"material {number}" for number in range(1, 26))]
    return {"object": objects, "material": materials, "scene": [f"scene {k}" for k in range(365)], "object_part": owned}


@torch.no_grad()
def fill(network: nn.Module) -> None:
    """Recipe weights, in place."""
    for key, value in network.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            value.copy_(recipe_tensor(key, tuple(value.shape)))


def recipe_tensor(key: str, shape: tuple[int, ...]) -> Tensor:
    """One tensor of the recipe."""
    random = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    noise = random.standard_normal(shape, dtype=np.float32)
    if len(shape) >= 2:
        values = noise * np.float32(math.sqrt(2 / math.prod(shape[1:])))
    elif key.endswith("running_var"):
        values = 1 + np.abs(noise) / 10
    else:
        values = (1 if key.endswith("weight") else 0) + noise / 10
    for pattern, gain, centred in GAINS:
        if re.fullmatch(pattern, key):
            values = np.float32(gain) * (values - values.mean(axis=1, keepdims=True) if centred else values)
            break
    return torch.from_numpy(values.astype(np.float32))
