"""What others have published: workflow/published.yaml as entries that fetch understands, and names turned into paths.

An entry says `file` (below resources/), `urls` and, where known, `sha256` (64 digits, or the first 8) or `md5`.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lacuna import own
from lacuna.config import yaml_files

Config = dict[str, Any]
TABLE = own.ROOT / "workflow/published.yaml"
PREFIX = "fetch:"  # in place of a path: what fetch brings under that name
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.\w+$")  # torch.hub's convention
HUB = "hub:"  # in place of a path: a repository on the Hugging Face hub, hub:<owner>/<name>@<revision>
REPOSITORY = re.compile(r"hub:([\w.-]+)/([\w.-]+?)(?:@([\w.-]+))?")
RECEIPT = "fetched.json"  # written last into the folder of a repository: what was brought, with the hash of each file
UNPACKED = "data.mdb"  # what fetch takes out of a zip file that holds an LMDB


@functools.cache
def collections() -> dict[str, Config]:
    """The table, a collection of files with common mirrors at a time."""
    found: dict[str, Config] = yaml_files.read(TABLE)
    return found


@functools.cache
def entries() -> dict[str, Config]:
    """Name -> entry of every published file."""
    return {
        name: _entry(group, name, file)
        for group in collections().values()
        for name, file in group.get("files", {}).items()
    }


def segmenters() -> dict[str, Config]:
    """Segmenters on the hub by name: `entry` as the configuration has it, `classes`, `licence`."""
    return {
        name: said | {"entry": {key: said[key] for key in ("family", "checkpoint", "size") if key in said}}
        for group in collections().values()
        for name, said in group.get("segmenters", {}).items()
    }


def _entry(group: Config, name: str, file: str) -> Config:
    known = HASH_IN_NAME.search(file)
    found: Config = {
        "file": str(Path(group.get("folder", "")) / file),
        "urls": [base + file for base in group["bases"]],
    }
    if known:
        found["sha256"] = known[1]
    for algorithm in ("sha256", "md5"):
        if name in group.get(algorithm, {}):
            found[algorithm] = group[algorithm][name]
    return found | ({"unpack": True} if group.get("unpack") else {})


def resolved(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What a user wrote, with paths in place of `fetch:` names, and what these name among its `downloads`.

    Returns also a line on each name that is neither in the table nor among the downloads.
    """
    written = config.get("downloads", {})
    downloads = dict(written) if isinstance(written, Mapping) else {}
    found: dict[str, Any] = dict(config)
    unknown: list[str] = []
    for section, keys in (("segmenters", ("checkpoint",)), ("generators", ("checkpoint", "encoders")),
                          ("perceptual", ("checkpoint",)), ("sources", ("path",))):  # fmt: skip
        if not isinstance(config.get(section), Mapping):
            continue
        found[section] = entries_found = dict(config[section])
        for name, entry in entries_found.items():
            if isinstance(entry, Mapping):
                values = {
                    key: _path(entry[key], f"{section}.{name}.{key}", downloads, unknown) for key in keys & entry.keys()
                }
                entries_found[name] = {**entry, **values}
    return found | {"downloads": downloads or written}, unknown


def _path(value: Any, place: str, downloads: Config, unknown: list[str]) -> Any:
    if isinstance(value, Mapping):  # encoders, by part
        return {key: _path(item, f"{place}.{key}", downloads, unknown) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(HUB):
        found = REPOSITORY.fullmatch(value)
        if not found:
            unknown.append(f"{place}: found {value!r}, expected hub:<owner>/<name>@<revision>")
        return f"resources/hub/{found[1]}/{found[2]}/{found[3] or 'main'}" if found else value
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    name = value.removeprefix(PREFIX)
    group = collections().get(name, {})
    if "folder" in group:
        downloads.update({file: entries()[file] for file in group["files"]})
        return f"resources/{group['folder']}"
    known = entries() | downloads
    if name not in known:
        folders = [group for group, settings in collections().items() if "folder" in settings]
        unknown.append(
            f"{place}: found {value!r}, expected {PREFIX} with one of: {', '.join(sorted([*known, *folders]))}"
        )
        return value
    downloads[name] = known[name]
    made = result(known[name])
    return str(Path(made).parent) if known[name].get("unpack") else made


def result(entry: Mapping[str, Any]) -> str:
    """What fetch makes of an entry: the file, or the LMDB that it holds."""
    folder = Path("resources") / Path(entry["file"]).with_suffix("")
    return str(folder / UNPACKED) if entry.get("unpack") else f"resources/{entry['file']}"
