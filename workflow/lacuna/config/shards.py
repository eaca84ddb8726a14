"""Shards: ranges of image indices, one job each, named by what they hold.

The shard size is a setting and never follows from the count, so asking for more images adds shards and replaces at
most the last, partial one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from lacuna.errors import UserError


@dataclass(frozen=True, order=True)
class Shard:
    """Images `first` to `last`, both included."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """File stem of the shard, such as `1000-1999`."""
        return f"{self.first}-{self.last}"

    def __len__(self) -> int:
        return self.last - self.first + 1


def shards(count: int, size: int, first: int = 0, last: int | None = None) -> list[Shard]:
    """The shards of `count` images; all hold `size` images but the last, which may hold fewer.

    Args:
        first, last: only the shards that hold any of these images, both included.
    """
    if count < 1 or size < 1:
        raise UserError(f"found {count} images in shards of {size}, expected at least 1 of each")
    end = count if last is None else min(last + 1, count)
    return [Shard(start, min(start + size, count) - 1) for start in range(first // size * size, end, size)]


def shard_from_name(name: str) -> Shard:
    """The shard that a file stem such as `1000-1999` names."""
    first, last = name.split("-")
    return Shard(int(first), int(last))


def is_shard_name(name: str) -> bool:
    """Whether a file stem names a shard."""
    return re.fullmatch(r"\d+-\d+", name) is not None


def shard_paths(folder: str | Path, count: int, size: int) -> list[Path]:
    """The HDF5 files that hold `count` images of one source, in order."""
    return [Path(folder) / f"{shard.name}.h5" for shard in shards(count, size)]
