"""What a configuration may say in short: paths on the command line, one segmenter for all, keys taken away."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from lacuna.kit import published

Config = dict[str, Any]
FILES = ("folder", "lsun", "labelled")  # kinds of source whose path is a user's folder or file


def with_paths(config: Mapping[str, Any], keys: Collection[str]) -> Config:
    """The configuration with `<name>: <path>` at top level, as `--config` puts it there, moved to where it belongs.

    That is the path of the folder or lsun source of that name, or the checkpoint of the generator.

    Args:
        keys: the top level's own keys, which are no names.
    """
    found = dict(config)
    for section, key in (("sources", "path"), ("generators", "checkpoint")):
        entries = found.get(section)
        if not isinstance(entries, dict):
            continue
        named = [
            name for name, entry in entries.items() if name in found and name not in keys and _takes(section, entry)
        ]
        paths = {name: {key: str(Path(str(found.pop(name))).expanduser())} for name in named}
        found[section] = {name: entry | paths[name] if name in paths else entry for name, entry in entries.items()}
    return found


def without_nulls(config: Mapping[str, Any]) -> Config:
    """The configuration without keys whose value is null, at any depth: so an overlay takes a key away."""
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if value is not None
    }


def _takes(section: str, entry: Any) -> bool:
    return isinstance(entry, dict) and (section == "generators" or entry.get("kind") in FILES)


def with_segmenter(config: Config) -> Config:
    """The configuration with the default segmenter in every comparison and inversion that names none."""
    segmenters = config.get("segmenters")
    only = next(iter(segmenters)) if isinstance(segmenters, dict) and len(segmenters) == 1 else None
    name = config.get("segmenter", only)
    found = dict(config)
    for section in ("comparisons", "inversions"):
        if name is not None and isinstance(config.get(section), list):
            found[section] = [
                {"segmenter": name} | item if isinstance(item, dict) else item for item in config[section]
            ]
    return found


def without_missing(config: Config, exists: Callable[[str], bool]) -> tuple[Config, list[str]]:
    """The configuration without what needs an `optional` generator whose weights are missing; a line on each of these.

    Args:
        exists: whether a file is there.
    """
    optional = {name: entry.get("checkpoint") for name, entry in config["generators"].items() if entry["optional"]}
    fetched = {published.result(entry) for entry in config["downloads"].values()}
    missing = {
        name: path
        for name, path in optional.items()
        if isinstance(path, str) and path not in fetched and not exists(path)
    }
    sources = {name for name, source in config["sources"].items() if source.get("generator") in missing}
    pairs = [pair for pair in config["comparisons"] if not {pair["real"], pair["generated"]} & sources]
    inversions = [
        entry for entry in config["inversions"] if entry["generator"] not in missing and entry["source"] not in sources
    ]
    return config | {"comparisons": pairs, "inversions": inversions}, [
        f"{name} is left out: no file {path}; put its weights there, or say --config {name}=/path/to/weights"
        for name, path in missing.items()
    ]
