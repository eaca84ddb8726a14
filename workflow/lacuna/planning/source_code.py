"""Which code a stage runs: a digest of its module and of every module of this package that it imports.

`source_digest` is what makes a stage rerun when a module that it imports changes, at any depth, and only then. Each of
the three Snakemakes of a SLURM job asks for the digests of all stages, so what the sources say is kept from start to
start; see `remember`.
"""

import ast
import functools
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lacuna.families import KINDS, code_of
from lacuna.formats import files
from lacuna.report.sections import SECTIONS

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """What a module's source says: its syntax tree, as a digest, and the names that it may import, sorted."""

    digest: str
    imports: list[str]


_remembered: dict[str, Source] = {}  # by name and content of the file, see `_key`


# What imports the code of families by the tables, and which part of them.
OPENS = {
    "lacuna.generators.loading": ("generators", False),
    "lacuna.segmenters.loading": ("segmenters", False),
    "lacuna.classifiers.classifier": ("classifiers", False),
    "lacuna.inversion.perceptual_loading": ("perceptual", False),
    "lacuna.stages.train_generator": ("generators", True),
}
PAGE = "lacuna.report.page"  # opens every section of the page by their table
# What runs a stage and changes no number that it writes: a finished result stays what it was when these change. Of the
# configuration's models, those of families in their settings.py too, what they let through is in what a job is told.
# The package itself is what a user imports.
PLUMBING = frozenset({"lacuna", "lacuna.own"}) | frozenset(
    f"lacuna.{room}.{name}"
    for room, names in {
        "runtime": ("arguments", "batches", "command", "gpus", "interruption", "resuming", "usage"),
        "config": ("base", "conditional", "configuration", "distribution", "inversion", "network_entries", "sources"),
    }.items()
    for name in names
)


@functools.cache
def source_digest(module: str, **families: str) -> str:
    """Digest of `module` and of every module of this package that it imports, at any depth (16 hex digits).

    Syntax trees are hashed, so comments, docstrings and layout do not count, and neither does PLUMBING. Imports must be
    static, but for sections of the page, and for families of networks: of these the code of the chosen one counts, or
    of all.

    Args:
        families: the chosen family by kind, such as `generators="progan"`.
    """
    found = modules(module, **families)
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name} {found[name].digest}".encode())
    return digest.hexdigest()[:16]


def modules(module: str, **families: str) -> dict[str, Source]:
    """Every module whose code counts for `module`, by name."""
    found: dict[str, Source] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        path = module_path(name)
        if path and name not in found and not is_plumbing(name):
            found[name] = source(path)
            queue += found[name].imports
            if name in OPENS:
                queue += _code_of_families(*OPENS[name], families)
            if name == PAGE:
                queue += [entry.module for entry in SECTIONS]
    return found


def is_plumbing(module: str) -> bool:
    """Whether a module changes no result."""
    return module in PLUMBING or module.endswith(".settings")


def _code_of_families(kind: str, training: bool, chosen: Mapping[str, str]) -> set[str]:
    """Modules of the chosen family of a kind, or of all its families."""
    table = KINDS[kind]
    return code_of({name: table[name] for name in [chosen[kind]]} if kind in chosen else table, training)


def remember(path: Path) -> None:
    """Read all sources of the package; what the file `path` knows of them from an earlier start is not parsed again.

    An entry holds for a name and a content, so the file may be old, or gone; it is brought up to date.
    """
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    _remembered.update((key, Source(**said)) for key, said in known.items())
    paths = sorted(PACKAGE_ROOT.glob("lacuna/**/*.py"))
    found = {_key(path, path.read_bytes()): asdict(source(path)) for path in paths}
    if found != known:
        files.write_text(path, json.dumps(found))


@functools.cache
def module_path(name: str) -> Path | None:
    """File of a module or package of ours; None for another's, and for a name that is no module."""
    path = PACKAGE_ROOT.joinpath(*name.split("."))
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@functools.cache
def source(path: Path) -> Source:
    """The source at `path`; read once, however many stages import it."""
    content = path.read_bytes()
    return _remembered.get(_key(path, content)) or parsed(path, content)


def parsed(path: Path, content: bytes) -> Source:
    """What the `content` of the module at `path` says."""
    tree = ast.parse(content)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1].relative_to(PACKAGE_ROOT).parts if node.level else ()
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    packages = {".".join(parts[:end]) for parts in (name.split(".") for name in names) for end in range(1, len(parts))}
    return Source(hashlib.sha256(ast.dump(_without_docstrings(tree)).encode()).hexdigest(), sorted(names | packages))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The tree without what only readers read; a stage that shows its own says so by `__doc__`, for a help text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree


@functools.cache
def _parser() -> bytes:
    """What decides how a source is parsed, beside its name and content: this module and Python's version."""
    return Path(__file__).read_bytes() + sys.version.encode()


def _key(path: Path, content: bytes) -> str:
    """Name of a source in the file of `remember`."""
    name = path.relative_to(PACKAGE_ROOT).as_posix().encode()
    return hashlib.sha256(b"\0".join([_parser(), name, content])).hexdigest()[:32]
