"""Which code, parameters and inputs made a file.

`source_digest` is what makes a stage rerun when a module that it imports changes, at any depth, and only then.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text, whatever their order in the config."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


@functools.cache
def source_digest(module: str) -> str:
    """Digest of `module` and of every module of this package that it imports, at any depth (16 hex digits).

    Syntax trees are hashed: comments and layout do not count, docstrings do. Imports must be static.
    """
    found: dict[str, Source] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        path = module_path(name)
        if path and name not in found:
            found[name] = source(path)
            queue += found[name].imports
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name} {found[name].digest}".encode())
    return digest.hexdigest()[:16]


def module_path(name: str) -> Path | None:
    """File of a module or package of ours; None for another's, and for a name that is no module."""
    path = PACKAGE_ROOT.joinpath(*name.split("."))
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@dataclass(frozen=True)
class Source:
    """What a module's source says: its syntax tree, as a digest, and the names that it may import."""

    digest: str
    imports: frozenset[str]


@functools.cache
def source(path: Path) -> Source:
    """The source at `path`; read once, however many stages import it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1].relative_to(PACKAGE_ROOT).parts if node.level else ()
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    packages = {".".join(parts[:end]) for parts in (name.split(".") for name in names) for end in range(1, len(parts))}
    return Source(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(names | packages))


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes (16 hex digits)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@dataclass(frozen=True)
class Provenance:
    """What made a file: the stage, the digest of its source, its parameters, its root seed and its input files."""

    stage: str
    code: str
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    inputs: Sequence[str | Path] = ()

    def attributes(self) -> dict[str, str | int]:
        """The common attributes of design's file formats; inputs are digested here."""
        digests = {Path(path).as_posix(): digest_file(path) for path in self.inputs}
        found: dict[str, str | int] = {
            "stage": self.stage,
            "code": self.code,
            "config": canonical_json(dict(self.config)),
            "inputs": canonical_json(digests),
        }
        if self.seed is not None:
            found["seed"] = self.seed
        return found
