"""What the users' folders, archives, arrays and LMDBs hold, looked at when the workflow starts.

A count that the configuration leaves out is all that a source holds. What the main process sees it writes down, for the
jobs, each of which starts Snakemake again on a cluster.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lacuna.config.configuration import Configuration
from lacuna.config.sources import Folder, Pictures, Source
from lacuna.data.containers import is_lmdb
from lacuna.data.held import Asked, Held, checked_lmdb, from_manifest, listed, write_manifest
from lacuna.errors import UserError

FETCHED = "resources/"  # what fetch brings is tracked as a file, and may not be there yet


def census(config: Configuration, names: Sequence[str], manifests: Path | None = None) -> dict[str, Held]:
    """What each of the sources `names` holds; those that the workflow makes or fetches are left out.

    Args:
        manifests: folder of what the main process saw, which is believed; None looks at the sources themselves.
    """
    found = {}
    for name in names:
        source = config.sources[name]
        if not isinstance(source, Pictures) or _is_to_be_fetched(source):
            continue
        asked = Asked.by(source.given())
        seen_before = from_manifest(manifest_path(manifests, name), asked) if manifests else None
        found[name] = seen_before or (checked_lmdb(asked) if source.kind == "lsun" else listed(asked))
    return found


def manifest_path(folder: Path, name: str) -> Path:
    """Where the manifest of a source lies."""
    return folder / f"{name}.jsonl"


def write_manifests(folder: Path, config: Configuration, held: Mapping[str, Held]) -> None:
    """Write what the sources hold, for the jobs."""
    for name, found in held.items():
        source = config.sources[name].given()
        write_manifest(manifest_path(folder, name), Asked.by(source), found, source["count"])


def _is_to_be_fetched(source: Source) -> bool:
    """Whether a source is an LMDB that fetch brings, now or before."""
    path = source.path if isinstance(source, Pictures) else None
    if path is None or not is_fetched(path):
        return False
    return source.kind == "lsun" or (source.kind == "folder" and is_lmdb(path))


def counted(config: Configuration, held: Mapping[str, Held]) -> Configuration:
    """The configuration with every count of the sources in `held` filled in, and of those that draw them again.

    Raises:
        UserError: a source holds fewer images than asked for, or has no count though it is still to be fetched.
    """
    sources = dict(config.sources)
    for name, found in held.items():
        asked = sources[name].count or found.total
        if asked > found.total:
            path = sources[name].given()["path"]
            raise UserError(f"{path}: holds {found.total} images, {asked} asked for; lower the source's count")
        sources[name] = sources[name].model_copy(update={"count": asked})
    for name, source in sources.items():
        if source.kind == "lsun" and source.count is None and _is_to_be_fetched(source):
            raise UserError(f"sources.{name}.count: missing, expected a number of images; fetch brings them only later")
    for name, source in sources.items():
        if source.redraws and source.count is None:
            sources[name] = source.model_copy(update={"count": sources[source.redraws].count})
    return config.model_copy(update={"sources": sources})


def is_fetched(path: str | None) -> bool:
    """Whether a path is one that fetch makes."""
    return bool(path) and str(path).startswith(FETCHED)


def lines(held: Mapping[str, Held]) -> Iterator[tuple[bool, str]]:
    """One line on each source with something to tell, and whether it is a warning."""
    for name, found in held.items():
        text = found.seen.line(name)
        if text:
            yield found.seen.worth_a_warning, text


def overlaps(config: Configuration) -> Iterator[str]:
    """One line on each comparison whose sides lie in one another, or are one and the same."""
    for entry in config.comparisons:
        paths = [
            source.path for name in (entry.real, entry.generated) if isinstance(source := config.sources[name], Folder)
        ]
        if len(paths) < 2:
            continue
        real, generated = (Path(str(path)).resolve() for path in paths)
        names = f"{entry.real} and {entry.generated}"
        if real == generated:
            yield f"{names}: both are {real}; their distance is 0"
        elif real in generated.parents or generated in real.parents:
            inner, outer = (generated, real) if real in generated.parents else (real, generated)
            yield f"{names}: {inner} lies inside {outer}, so its images count on both sides; separate them"
