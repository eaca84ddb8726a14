"""What a user may write in short: paths on the command line, one segmenter for all, keys taken away.

All but the last of these take what was written and not yet checked, of any shape.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacuna import own
from lacuna.config import judges, published

if TYPE_CHECKING:
    from lacuna.config.configuration import Configuration

Given = dict[str, Any]  # what a user wrote: YAML, not checked yet
FILES = ("folder", "lsun", "labelled")  # kinds of source whose path is a user's folder or file
PATHS = {  # keys that hold a path, by section
    "sources": ("path", "labels"),
    "segmenters": ("checkpoint", "labels"),
    "generators": ("checkpoint", "encoders", "file", "curve", "prompts"),
    "classifiers": ("checkpoint",),
    "perceptual": ("checkpoint",),
}
BY_THE_CLOCK = "states are saved by the clock; take it away"
OLD_KEYS = {  # what to do with a key of earlier versions; * stands for any name
    "invert.layer": "it is train_encoder.layer; take it away",
    "invert.z_optimiser": "Adam searches for z too; take it away",
    "invert.checkpoint_every": BY_THE_CLOCK,
    "train_encoder.checkpoint_every": BY_THE_CLOCK,
    **{
        f"{section}.*.train.checkpoint_interval": BY_THE_CLOCK
        for section in ("generators", "segmenters", "classifiers")
    },
}


def written_out(config: Mapping[str, Any], typed: Sequence[str], keys: Collection[str]) -> Given:
    """What a user wrote, with nothing left to be understood.

    Args:
        typed: words of `--config` on the command line.
        keys: the top level's own keys.
    """
    found = with_paths(with_texts(without_nulls(config), typed, keys), keys)
    return with_sections(with_agreements(with_segmenter(judges.with_judge(with_expanded_paths(found)))))


def without_old_keys(config: Given) -> tuple[Given, list[str]]:
    """The configuration without keys of earlier versions, and a line on each of these."""
    found, lines = dict(config), []
    for pattern, advice in OLD_KEYS.items():
        for place in _places(found, pattern.split(".")):
            found = _without(found, place)
            lines.append(f"{'.'.join(place)}: a key of an earlier version: {advice}")
    return found, lines


def _places(config: Any, pattern: Sequence[str]) -> list[list[str]]:
    """Where the keys of a pattern are."""
    if not isinstance(config, dict):
        return []
    keys = list(config) if pattern[0] == "*" else [key for key in pattern[:1] if key in config]
    if len(pattern) == 1:
        return [[key] for key in keys]
    return [[key, *rest] for key in keys for rest in _places(config[key], pattern[1:])]


def _without(config: Given, place: Sequence[str]) -> Given:
    """The configuration without one key; nothing that was given is changed."""
    key, *rest = place
    if rest:
        return {**config, key: _without(config[key], rest)}
    return {name: value for name, value in config.items() if name != key}


def with_sections(config: Given) -> Given:
    """The configuration with what an inversion says of its search, or a comparison of its verdicts, over it."""
    found = dict(config)
    for entries, section in (("inversions", "invert"), ("comparisons", "fsd")):
        if isinstance(config.get(entries), list):
            found[entries] = [
                item | {section: merged(config.get(section, {}), item[section])}
                if isinstance(item, dict) and section in item
                else item
                for item in config[entries]
            ]
    return found


def merged(under: Any, over: Any) -> Any:
    """Two values, the second laid over the first: maps merge at any depth, all else is replaced."""
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    return {**under, **{key: merged(under.get(key), value) for key, value in over.items()}}


def with_paths(config: Mapping[str, Any], keys: Collection[str]) -> Given:
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
        paths = {name: {key: str(found.pop(name))} for name in named}
        found[section] = {name: entry | paths[name] if name in paths else entry for name, entry in entries.items()}
    return found


def with_texts(config: Mapping[str, Any], given: Sequence[str], keys: Collection[str]) -> Given:
    """The configuration with what `--config` said of names as it was typed.

    Snakemake reads a value as YAML, which makes 20230239022 of the folder 2023023902_2 and cuts `run #2` at its #.

    Args:
        given: words of `--config`, `name=value`.
        keys: the top level's own keys, whose values are YAML.
    """
    typed = dict(word.partition("=")[::2] for word in given)
    return dict(config) | {name: text for name, text in typed.items() if name in config and name not in keys and text}


def with_expanded_paths(config: Mapping[str, Any], exists: Callable[[str], bool] = os.path.exists) -> Given:
    """The configuration with `~` and `$VARIABLES` in paths replaced, but where a file has that very name.

    Paths of the tool's own files become those of where it is; all others are taken from the working folder.
    """
    found = dict(config)
    for section, keys in PATHS.items():
        entries = found.get(section)
        if isinstance(entries, dict):
            found[section] = {name: _expanded(entry, keys, exists) for name, entry in entries.items()}
    return found


def _expanded(entry: Any, keys: Collection[str], exists: Callable[[str], bool]) -> Any:
    if not isinstance(entry, dict):
        return entry
    return entry | {key: _expanded_path(entry[key], exists) for key in keys if key in entry}


def _expanded_path(given: Any, exists: Callable[[str], bool]) -> Any:
    """A path, or some: in a list, or by part, as those of encoders are."""
    if isinstance(given, Mapping):
        return {part: _expanded_path(path, exists) for part, path in given.items()}
    if isinstance(given, list):
        return [_expanded_path(path, exists) for path in given]
    if not isinstance(given, str):
        return given
    return own.path(given if exists(given) else str(Path(os.path.expandvars(given)).expanduser()))


def without_nulls(config: Mapping[str, Any]) -> Given:
    """The configuration without keys whose value is null, at any depth: so an overlay takes a key away."""
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if value is not None
    }


def _takes(section: str, entry: Any) -> bool:
    return isinstance(entry, dict) and (section == "generators" or entry.get("kind") in FILES)


def with_segmenter(config: Given) -> Given:
    """The configuration with the default segmenter in every comparison and inversion that names none."""
    segmenters = config.get("segmenters")
    only = next(iter(segmenters)) if isinstance(segmenters, dict) and len(segmenters) == 1 else None
    name = config.get("segmenter", only)
    found = dict(config)
    for section in ("comparisons", "contrasts", "inversions"):
        if name is not None and isinstance(config.get(section), list):
            found[section] = [
                {"segmenter": name} | item if isinstance(item, dict) else item for item in config[section]
            ]
    return found


def with_agreements(config: Given) -> Given:
    """The configuration with a comparison by each of the `segmenters` of one, and an agreement of all of them."""
    comparisons = config.get("comparisons")
    if not isinstance(comparisons, list):
        return config
    several = [item for item in comparisons if isinstance(item, dict) and isinstance(item.get("segmenters"), list)]
    written: list[Any] = []
    for item in comparisons:
        if item not in several:
            written.append(item)
            continue
        plain = {key: value for key, value in item.items() if key not in ("segmenters", "synonyms", "segmenter")}
        written += [found for name in item["segmenters"] if (found := plain | {"segmenter": name}) not in written]
    kept = ("real", "generated", "segmenters", "synonyms")
    asked = [{key: item[key] for key in kept if key in item} for item in several]
    given = config.get("agreements", [])
    return config | {"comparisons": written} | ({"agreements": [*given, *asked]} if asked else {})


def without_missing(config: "Configuration", exists: Callable[[str], bool]) -> tuple["Configuration", list[str]]:
    """The configuration without what needs an `optional` generator whose weights are missing; a line on each of these.

    Args:
        exists: whether a file is there.
    """
    fetched = {published.result(entry.given()) for entry in config.downloads.values()}
    missing = {
        name: entry.checkpoint
        for name, entry in config.generators.items()
        if entry.optional and isinstance(entry.checkpoint, str)
        if entry.checkpoint not in fetched and not exists(entry.checkpoint)
    }
    sources = {name for name, source in config.sources.items() if source.drawn_by in missing}
    pairs = [pair for pair in config.comparisons if not {pair.real, pair.generated} & sources]
    contrasts = [entry for entry in config.contrasts if not {entry.real, entry.a, entry.b} & sources]
    inversions = [
        entry for entry in config.inversions if entry.generator not in missing and entry.source not in sources
    ]
    return config.model_copy(update={"comparisons": pairs, "contrasts": contrasts, "inversions": inversions}), [
        f"{name} is left out: no file {path}; put its weights there, or say --config {name}=/path/to/weights"
        for name, path in missing.items()
    ]
