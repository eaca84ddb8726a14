"""Render scenes of the procedural world: pictures and their exact label maps, one shard a job.

Scene i depends on the seed and i alone, so shards can be made in any order, by any number of jobs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from lacuna.errors import UserError
from lacuna.formats import images
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.world import PART_OWNERS, VOCABULARY, World

ARRAYS = ("labels_object", "labels_part", "labels_material", "label")
SETTINGS = ("size", "omit", "scale", "scenes", "palette")


def main(argv: Sequence[str] | None = None) -> None:
    """Draw scenes first..last and write them with their labels and the vocabulary."""
    args = parse_args(argv)
    world = world_from(args.settings, args.seed)
    if not 0 <= args.first <= args.last:
        raise UserError(f"scenes {args.first} to {args.last} asked for, expected 0 <= first <= last")
    numbers = range(args.first, args.last + 1)
    scenes = [world.scene(i) for i in command.progress(numbers, desc="render", unit="scene")]
    images.write(
        args.shard,
        np.stack([scene.image for scene in scenes]),
        np.array(numbers, dtype=np.int64),
        Provenance(stage="render", code=args.code, config=args.settings, seed=args.seed),
        attributes={"vocabulary": canonical_json(VOCABULARY), "part_owners": canonical_json(PART_OWNERS)},
        skipped=(),
        **{name: np.array([getattr(scene, name) for scene in scenes]) for name in ARRAYS},
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Flags of the stage."""
    parser = command.parser("render", __doc__)
    parser.add_argument(
        "--settings", type=command.json_object, required=True, help="JSON: size, omit, scale, scenes, palette"
    )
    parser.add_argument("--seed", type=int, required=True, help="seed of the world")
    parser.add_argument("--first", type=int, required=True, help="first scene")
    parser.add_argument("--last", type=int, required=True, help="last scene, included")
    parser.add_argument("--shard", required=True, help="HDF5 file to write")
    return parser.parse_args(argv)


def world_from(settings: dict[str, Any], seed: int) -> World:
    """The world that the settings describe; all of them are expected."""
    if set(settings) != set(SETTINGS):
        raise UserError(f"--settings holds {', '.join(sorted(settings))}, expected exactly {', '.join(SETTINGS)}")
    return World(seed=seed, **settings)


if __name__ == "__main__":
    command.run("render", main)
