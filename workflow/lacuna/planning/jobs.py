"""How many jobs a configuration asks for, and the shard sizes that keep them few.

The workflow is a graph with a node a job and an edge a file; shards keep it small. Jobs are counted, not listed, so
that a configuration that asks for too many costs no time either.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from lacuna.config import targets

Config = dict[str, Any]
MOST = 10_000
WHOLE = {"images": 10**15, "inversions": 10**15}  # shard sizes that put every source in one shard


def num_jobs(config: Config) -> int:
    """Jobs of the whole workflow, if nothing of it exists yet."""
    return len(unsharded(config)) + sum(further_shards(config).values())


def unsharded(config: Config) -> set[PurePosixPath]:
    """What jobs make if each source is one shard; the files of one job differ behind the first dot alone."""
    files = targets.stage_files(config | {"shard_size": WHOLE})
    paths = [PurePosixPath(name) for names in files.values() for name in names]
    return {path.with_name(path.name.partition(".")[0]) for path in paths}


def further_shards(config: Config) -> dict[str, int]:
    """Shards beyond the first of everything that has shards, by the setting that their number follows from."""
    found = {"images": 0, "inversions": 0}
    for path in unsharded(config):
        if shard := re.fullmatch(r"0-(\d+)", path.name):
            key = "inversions" if path.parts[1] == "invert" else "images"
            found[key] += int(shard[1]) // config["shard_size"][key]
    return found


def problems(config: Config) -> Iterator[str]:
    """One line if there are too many jobs: how many, and the shard sizes to set.

    Nothing is known yet while a used source has no count.
    """
    if any("count" not in config["sources"][name] for name in targets.used_sources(config)):
        return
    found, sizes = num_jobs(config), dict(config["shard_size"])
    while num_jobs(config | {"shard_size": sizes}) > MOST:
        further = further_shards(config | {"shard_size": sizes})
        largest = max(further, key=lambda key: further[key])
        if not further[largest]:
            yield f"comparisons: found {found} jobs, expected at most {MOST}; split the configuration"
            return
        sizes[largest] *= 2
    changed = [f"shard_size.{key} to {size}" for key, size in sizes.items() if size != config["shard_size"][key]]
    if changed:
        yield f"shard_size: found {found} jobs, expected at most {MOST}; set {' and '.join(changed)}"
