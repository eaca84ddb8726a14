"""Render scenes of the procedural world: pictures and their exact label maps, one shard per job.

Scene i depends on the seed and i alone, so shards can be made in any order, by any number of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from lacuna.errors import UserError
from lacuna.formats import images
from lacuna.runtime import command
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.world import PART_OWNERS, VOCABULARY, World

ARRAYS = ("labels_object", "labels_part", "labels_material", "label")
SETTINGS = ("size", "omit", "scale", "scenes", "palette", "distort", "distort_strength")


class Job(command.Job):
    """What the stage is told."""

    settings: dict[str, Any] = Field(description=f"JSON: {', '.join(SETTINGS)}")
    seed: int = Field(description="seed of the world")
    first: int = Field(description="first scene")
    last: int = Field(description="last scene, included")
    shard: str = Field(description="HDF5 file to write")


def main(argv: Sequence[str] | None = None) -> None:
    """Draw scenes first..last and write them with their labels and the vocabulary."""
    job = command.job("render", Job, __doc__, argv)
    world = world_from(job.settings, job.seed)
    if not 0 <= job.first <= job.last:
        raise UserError(f"scenes {job.first} to {job.last} asked for, expected 0 <= first <= last")
    numbers = range(job.first, job.last + 1)
    scenes = [world.scene(i) for i in command.progress(numbers, desc="render", unit="scene")]
    images.write(
        job.shard,
        np.stack([scene.image for scene in scenes]),
        np.array(numbers, dtype=np.int64),
        Provenance(stage="render", code=job.code, config=job.settings, seed=job.seed),
        attributes={"vocabulary": canonical_json(VOCABULARY), "part_owners": canonical_json(PART_OWNERS)},
        skipped=(),
        **{name: np.array([getattr(scene, name) for scene in scenes]) for name in ARRAYS},
    )


def world_from(settings: dict[str, Any], seed: int) -> World:
    """The world that the settings describe; all of them are expected."""
    if set(settings) != set(SETTINGS):
        raise UserError(f"--settings holds {', '.join(sorted(settings))}, expected exactly {', '.join(SETTINGS)}")
    return World(seed=seed, **settings)


if __name__ == "__main__":
    command.run("render", main)
