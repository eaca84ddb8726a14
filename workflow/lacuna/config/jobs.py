"""How many jobs a configuration asks for, and the shard sizes that keep them few.

The workflow is a graph with one node per job and one edge per file; shards keep it small. Jobs are counted, not listed,
so that a configuration that asks for too many costs no time either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lacuna.config import targets
from lacuna.config.sources import ShardSize

if TYPE_CHECKING:
    from lacuna.config.configuration import Configuration

MOST = 10_000
WHOLE = ShardSize(images=10**15, inversions=10**15)  # shard sizes that put every source in one shard


def num_jobs(config: Configuration) -> int:
    """Jobs of the whole workflow, if nothing of it exists yet."""
    return len(unsharded(config)) + sum(further_shards(config).values())


def unsharded(config: Configuration) -> set[PurePosixPath]:
    """What jobs make if each source is one shard; the files of one job differ behind the first dot alone."""
    files = targets.stage_files(config.model_copy(update={"shard_size": WHOLE}))
    paths = [PurePosixPath(name) for names in files.values() for name in names]
    return {path.with_name(path.name.partition(".")[0]) for path in paths}


def further_shards(config: Configuration) -> dict[str, int]:
    """Shards beyond the first of everything that has shards, by the setting that their number follows from."""
    found, sizes = {"images": 0, "inversions": 0}, config.shard_size.given()
    for path in unsharded(config):
        if shard := re.fullmatch(r"0-(\d+)", path.name):
            key = "inversions" if path.parts[1] == "invert" else "images"
            found[key] += int(shard[1]) // sizes[key]
    return found


def problems(config: Configuration) -> Iterator[str]:
    """One line if there are too many jobs: how many, and the shard sizes to set.

    Nothing is known yet while a used source has no count.
    """
    if any(config.sources[name].count is None for name in targets.used_sources(config)):
        return
    found, asked = num_jobs(config), config.shard_size.given()
    sizes, larger = dict(asked), config
    while num_jobs(larger) > MOST:
        further = further_shards(larger)
        largest = max(further, key=lambda key: further[key])
        if not further[largest]:
            yield f"comparisons: found {found} jobs, expected at most {MOST}; split the configuration"
            return
        sizes[largest] *= 2
        larger = config.model_copy(update={"shard_size": ShardSize(**sizes)})
    changed = [f"shard_size.{key} to {size}" for key, size in sizes.items() if size != asked[key]]
    if changed:
        yield f"shard_size: found {found} jobs, expected at most {MOST}; set {' and '.join(changed)}"
