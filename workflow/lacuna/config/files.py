"""What a configuration names outside itself: the user's files, and the objects of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from lacuna import families
from lacuna.config import published
from lacuna.config.sources import World
from lacuna.errors import UserError
from lacuna.formats import captions

if TYPE_CHECKING:
    from lacuna.config.configuration import Configuration


def problems(config: Configuration, exists: Callable[[str], bool] | None) -> Iterator[str]:
    """One line for each name that stands for nothing.

    Args:
        exists: whether a file or folder is there; not looked for where None.
    """
    made = {published.result(entry.given()) for entry in config.downloads.values()}
    for place, path in _paths(config) if exists else ():
        brought = path.startswith("resources/") or path in made
        if not brought and exists and not exists(path):
            yield f"{place}: found {path!r}, no such file; correct the path, it is taken from the workflow's folder"
    if exists:
        yield from _folders(config, exists)
    yield from _prompts(config, exists)
    for name, source in config.sources.items():
        if isinstance(source, World):
            yield from _scenes(f"sources.{name}.scenes", source.scenes)
            yield from _objects(f"sources.{name}.omit", source.omit)
            yield from _objects(f"sources.{name}.scale", source.scale)
    yield from _objects("calibrate.objects", [name for name in config.calibrate.objects if name != "all"])


def _paths(config: Configuration) -> Iterator[tuple[str, str]]:
    """Key path and path of every given file of weights, code, labels and curves that is in use."""
    keys = {"generators": ("checkpoint", "file", "curve", "prompts"), "sources": ("labels",)}
    for section, names in _used(config).items():
        for name in sorted(names & getattr(config, section).keys()):
            entry = getattr(config, section)[name].given()
            for key in () if entry.get("optional") else keys.get(section, ("checkpoint",)):
                given = entry.get(key)
                if key == "prompts" and isinstance(given, list):
                    continue  # the prompts themselves
                for path in given if isinstance(given, list) else [given] if given else []:
                    yield f"{section}.{name}.{key}", str(path)


def _folders(config: Configuration, exists: Callable[[str], bool]) -> Iterator[str]:
    """Checkpoints that are folders, but not of the form that their family reads; what fetch brings is seen later."""
    used = _used(config)["generators"]
    for name, entry in config.generators.items():
        path = str(entry.checkpoint)
        if name in used and exists(path) and not path.startswith("resources/"):
            try:
                families.files("generators", entry.family, path)
            except (UserError, OSError) as error:
                yield f"generators.{name}.checkpoint: {error}"


def _prompts(config: Configuration, exists: Callable[[str], bool] | None) -> Iterator[str]:
    """Sources that ask for more images than their generator has prompts."""
    for name, source in config.sources.items():
        generator = config.generators.get(source.drawn_by or "")
        asked = generator.usage().get("prompts") if generator else None
        if isinstance(asked, str) and exists and exists(asked):
            asked = captions.read(asked)
        if isinstance(asked, list) and len(asked) < (source.count or 0):
            yield (
                f"sources.{name}.count: found {source.count}, expected at most {len(asked)}, the prompts of "
                f"{source.drawn_by}"
            )


def _used(config: Configuration) -> dict[str, set[str | None]]:
    """Names by section of what some result is made with; a ready table needs no network."""
    sources = {name for entry in config.comparisons for name in (entry.real, entry.generated)}
    sources |= {name for entry in config.conditional for name in (entry.real, entry.generated, entry.training) if name}
    sources |= {entry.source for entry in config.inversions}
    sources &= config.sources.keys()
    tables = {name for name in sources if config.sources[name].kind == "table"}
    segmenters = [entry.segmenter for entry in config.comparisons if not {entry.real, entry.generated} <= tables]
    segmenters += [entry.segmenter for entry in config.inversions]
    drawn_by = {str(config.sources[name].drawn_by) for name in sources}
    generators = {*drawn_by, *(one.generator for one in config.inversions)} & config.generators.keys()
    trained = [config.generators[name] for name in generators if not config.generators[name].checkpoint]
    return {
        "sources": {*sources},
        "segmenters": {*segmenters, *(entry.segmenter for entry in config.conditional), *config.calibrate.segmenters},
        "generators": {*generators},
        "classifiers": {entry.classifier for entry in config.conditional},
        "perceptual": {*(entry.perceptual for entry in config.inversions), *(entry.compared_by for entry in trained)},
    }


def _objects(place: str, asked: Collection[str]) -> Iterator[str]:
    """Objects that the world cannot leave out."""
    if not asked:
        return
    from lacuna.world.vocabulary import FREQUENCIES, VOCABULARY  # numpy: only where it is needed

    for name in asked:
        if name not in FREQUENCIES:
            reason = "is always there" if name in VOCABULARY["object"] else "is no object of the world"
            yield f"{place}: found {name!r}, which {reason}; expected some of: {', '.join(FREQUENCIES)}"


def _scenes(place: str, asked: Collection[str]) -> Iterator[str]:
    """Kinds of scene that the world does not have."""
    if not asked:
        return
    from lacuna.world.vocabulary import SCENE_WEIGHTS

    for kind in asked:
        if kind not in SCENE_WEIGHTS:
            yield f"{place}: found {kind!r}, expected some of: {', '.join(SCENE_WEIGHTS)}"
