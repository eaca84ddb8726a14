"""The page on the configuration, written from the schema: docs/configuration.md is what this gives.

python -m lacuna.report.configuration > docs/configuration.md
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from lacuna.config.configuration import SCHEMA

Schema = Mapping[str, Any]

OPENING = """\
# Configuration

Every key of `config.yaml` and of the overlays in `experiments/`, with its unit and its default. This page is written
from `workflow/schemas/config.schema.yaml`, the only home of defaults (`make docs`); an unknown key or a value out of
range ends in one line that says which key of which file, what was found and what is expected.

Overlays are laid over `config.yaml` by `--configfile`, the later ones over the earlier: maps merge, lists replace, and
null takes a key away (`checkpoint: null` has a network trained again). A single key can be set on the command line,
such as `--config seed=2`.
"""


def configuration_page(schema: Schema) -> str:
    """Markdown of the whole schema: a table of the top level, then a section for each thing with keys of its own."""
    lines = [OPENING, *_table(schema, schema)]
    for name, part in schema["properties"].items():
        lines += _section(f"`{name}`", part, schema, level=2)
    return "\n".join(lines).rstrip() + "\n"


def _section(title: str, part: Schema, root: Schema, level: int) -> Iterator[str]:
    """Heading, description and table of an object, of each entry of a map of objects, or of each item of a list."""
    part, entries = _entries(_resolved(part, root), root)
    if not (part.get("properties") or part.get("allOf")):
        return
    yield f"\n{'#' * level} {title}\n"
    if entries:
        yield f"{entries}\n"
    yield from _table(part, root)
    for branch in part.get("allOf", []):
        (key, condition), *_ = branch["if"]["properties"].items()
        values = condition.get("enum") or [condition["const"]]
        yield f"\n{'#' * (level + 1)} {title} with {' or '.join(f'`{key}: {value}`' for value in values)}\n"
        yield from _table(branch["then"], root)
    for name, child in part.get("properties", {}).items():
        yield from _section(f"{title[:-1]}.{name}`", child, root, level + 1)


def _entries(part: Schema, root: Schema) -> tuple[Schema, str]:
    """What has the keys: the part itself, an entry of a map by name, or an item of a list; and a sentence about it."""
    if isinstance(part.get("additionalProperties"), Mapping):
        return _resolved(part["additionalProperties"], root), "A map; each entry, by its name, has these keys:"
    if isinstance(part.get("items"), Mapping) and "properties" in _resolved(part["items"], root):
        return _resolved(part["items"], root), "A list; each item has these keys:"
    return part, ""


def _table(part: Schema, root: Schema) -> Iterator[str]:
    yield "| key | what it is | values | default |"
    yield "|---|---|---|---|"
    required = part.get("required", [])
    for name, child in part.get("properties", {}).items():
        child = _resolved(child, root)
        default = "required" if name in required else _default(child)
        yield f"| `{name}` | {_cell(child.get('description', ''))} | {_cell(_values(child, root))} | {default} |"


def _resolved(part: Schema, root: Schema) -> dict[str, Any]:
    """`part` with what its `$ref` points at; its own description and default go first."""
    if "$ref" not in part:
        return dict(part)
    target: Any = root
    for key in part["$ref"].removeprefix("#/").split("/"):
        target = target[key]
    return {**_resolved(target, root), **{key: value for key, value in part.items() if key != "$ref"}}


def _default(part: Schema) -> str:
    if "default" not in part:
        return ""
    value = part["default"]
    if part.get("type") == "object" and not value:
        return "empty" if isinstance(part.get("additionalProperties"), Mapping) else "see below"
    text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n").removesuffix("\n...")
    return f"`{text}`"


def _values(part: Schema, root: Schema) -> str:
    """What the schema lets through, in words."""
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    kinds = part.get("type", "")
    if kinds == "array":
        within = _values(_resolved(part.get("items", {}), root), root)
        count = f"{part['minItems']} of " if part.get("minItems") == part.get("maxItems", 0) else ""
        return f"list of {count}{within}" if within else "list"
    if kinds == "object":
        extra = part.get("additionalProperties")
        within = _values(_resolved(extra, root), root) if isinstance(extra, Mapping) else ""
        return "map" if within in ("", "map") else f"map of {within}"
    if part.get("pattern") == "^[a-z0-9][a-z0-9_]*$":
        return "name"
    words = " or ".join(kinds) if isinstance(kinds, list) else {"string": "text"}.get(kinds, kinds)
    return " ".join(filter(None, [words, _range(part)]))


def _range(part: Schema) -> str:
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join(f"{word} {part[key]}" for key, word in bounds.items() if key in part)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(configuration_page(yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))))
