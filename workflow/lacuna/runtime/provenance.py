"""Which code, parameters and inputs made a file."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text, whatever their order in the config."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file (16 hex digits); it is read once in a process while its size and time are the same."""
    state = Path(path).stat()
    return _digest(str(path), state.st_size, state.st_mtime_ns)


@functools.cache
def _digest(path: str, size: int, modified_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@dataclass(frozen=True)
class Provenance:
    """What made a file.

    Attributes:
        stage: its name.
        code: digest of its source.
        config: its parameters.
        seed: the root seed.
        inputs: files, which are digested.
        listings: digest of what is named by its listing alone, by path: a user's images.
    """

    stage: str
    code: str
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    inputs: Sequence[str | Path] = ()
    listings: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, str | int]:
        """The common attributes of design's file formats; inputs are digested here."""
        digests = {Path(path).as_posix(): digest_file(path) for path in self.inputs} | dict(self.listings)
        found: dict[str, str | int] = {
            "stage": self.stage,
            "code": self.code,
            "config": canonical_json(dict(self.config)),
            "inputs": canonical_json(digests),
        }
        if self.seed is not None:
            found["seed"] = self.seed
        return found
