"""What a configuration names outside itself: the user's files, and the objects of the world."""

from collections.abc import Callable, Iterator
from typing import Any

from lacuna.config import published

Config = dict[str, Any]


def problems(config: Config, exists: Callable[[str], bool] | None) -> Iterator[str]:
    """One line for each name that stands for nothing.

    Args:
        exists: whether a file or folder is there; not looked for where None.
    """
    made = {published.result(entry) for entry in config["downloads"].values()}
    for place, path in _paths(config) if exists else ():
        brought = path.startswith("resources/") or path in made
        if not brought and exists and not exists(path):
            yield f"{place}: found {path!r}, no such file; correct the path, it is taken from the workflow's folder"
    for name, source in config["sources"].items():
        if source["kind"] == "world":
            yield from _world(f"sources.{name}", source)
    yield from _world("calibrate", {"omit": [one for one in config["calibrate"]["objects"] if one != "all"]}, "objects")


def _paths(config: Config) -> Iterator[tuple[str, str]]:
    """Key path and path of every given file of weights, code, labels and curves that is in use."""
    keys = {"generators": ("checkpoint", "file", "curve"), "sources": ("labels",)}
    for section, names in _used(config).items():
        for name in sorted(names & config[section].keys()):
            entry = config[section][name]
            for key in () if entry.get("optional") else keys.get(section, ("checkpoint",)):
                given = entry.get(key)
                for path in given if isinstance(given, list) else [given] if given else []:
                    yield f"{section}.{name}.{key}", str(path)


def _used(config: Config) -> dict[str, set[str]]:
    """Names by section of what some result is made with; a ready table needs no network."""
    entries = (*config["comparisons"], *config["inversions"], *config["conditional"])
    named = {entry.get(key) for entry in entries for key in ("real", "generated", "source", "training")}
    sources = named & config["sources"].keys()
    tables = {name for name in sources if config["sources"][name]["kind"] == "table"}
    pairs = [(entry.get("segmenter"), {entry["real"], entry["generated"]}) for entry in config["comparisons"]]
    segmenters = [segmenter for segmenter, sides in pairs if not sides <= tables]
    segmenters += [entry.get("segmenter") for entry in (*config["inversions"], *config["conditional"])]
    generators = [config["sources"][name].get("generator") for name in sources]
    return {
        "sources": sources,
        "segmenters": {*segmenters, *config["calibrate"]["segmenters"]} - {None},
        "generators": {*generators, *(entry["generator"] for entry in config["inversions"])} - {None},
        "classifiers": {entry["classifier"] for entry in config["conditional"]},
        "perceptual": {entry.get("perceptual") for entry in config["inversions"]} - {None},
    }


def _world(place: str, source: Config, key: str = "omit") -> Iterator[str]:
    """Objects and kinds of scene that the world does not have."""
    asked = [(key, name) for name in source.get("omit", [])] + [("scale", name) for name in source.get("scale", {})]
    kinds = source.get("scenes", {})
    if not (asked or kinds):
        return
    from lacuna.world.vocabulary import FREQUENCIES, SCENE_WEIGHTS, VOCABULARY  # numpy: only where it is needed

    for which, name in asked:
        if name not in FREQUENCIES:
            reason = "is always there" if name in VOCABULARY["object"] else "is no object of the world"
            yield f"{place}.{which}: found {name!r}, which {reason}; expected some of: {', '.join(FREQUENCIES)}"
    for kind in kinds:
        if kind not in SCENE_WEIGHTS:
            yield f"{place}.scenes: found {kind!r}, expected some of: {', '.join(SCENE_WEIGHTS)}"
