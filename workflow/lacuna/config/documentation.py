"""What is written from the models: the page on the configuration, and a JSON schema for editors.

python -m lacuna.config.documentation page > docs/configuration.md
python -m lacuna.config.documentation schema > workflow/schemas/config.schema.json
"""

import json
import sys
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lacuna.config.base import NAME, Section
from lacuna.config.configuration import Configuration

OPENING = """\
# Configuration

Every key of `config.yaml` and of the overlays in `experiments/`, with its unit and its default. This page is written
from the models in `workflow/lacuna/config/` and in the folders of the families, the only home of defaults (`make
docs`); an unknown key or a value out of range ends in one line that says which key of which file, what was found and
what is expected. `workflow/schemas/config.schema.json` says the same to an editor.

Overlays are laid over `config.yaml` by `--configfile`, the later ones over the earlier: maps merge, lists replace, and
null takes a key away (`checkpoint: null` has a network trained again). A single key can be set on the command line,
such as `--config seed=2`.
"""
Model = type[BaseModel]
HOLDERS: dict[Any, str] = {
    dict: "A map; each entry, by its name, has these keys:",
    list: "A list; each item has these keys:",
}
BOUNDS = {Ge: ("from", "ge"), Gt: ("above", "gt"), Le: ("to", "le"), Lt: ("below", "lt")}


def page() -> str:
    """Markdown: a table of the top level, then a section for each thing with keys of its own."""
    sections = {name: field.annotation for name, field in Configuration.model_fields.items()}
    shown = {kind: name for name, kind in sections.items() if models_in(kind) == [kind]}
    lines = [OPENING, *_table(Configuration)]
    for name, kind in sections.items():
        lines += _section(name, "", kind, 2, shown)
    return "\n".join(lines).rstrip() + "\n"


def schema() -> str:
    """JSON schema of a whole configuration."""
    return json.dumps(Configuration.model_json_schema(), indent=1) + "\n"


def _section(path: str, tag: str, kind: Any, level: int, shown: dict[Any, str]) -> Iterator[str]:
    """Heading and table of a model, of each entry of a map of models, or of each item of a list; then what they hold.

    Args:
        tag: the kind or family that has these keys, where not all do.
        shown: key path of the section of each model that has one; a model that comes again is referred to.
    """
    models = models_in(kind)
    if not models or (shown.get(models[0]) == path and tag):
        return
    yield f"\n{'#' * level} `{path}`{tag}\n"
    if shown.get(models[0], path) != path:
        yield f"Keys and defaults of `{shown[models[0]]}`."
        return
    shown.update(dict.fromkeys(models, path))
    yield f"{HOLDERS.get(get_origin(kind)) or _doc(models[0])}\n"
    for model in models:
        inside = f" with {_tag(model)}" if len(models) > 1 else ""
        if inside:
            yield f"\n{'#' * (level + 1)} `{path}`{inside}\n\n{_doc(model)}\n"
        yield from _table(model)
    for model in models:
        inside = f" with {_tag(model)}" if len(models) > 1 else tag
        for name, field in model.model_fields.items():
            yield from _section(f"{path}.{name}", inside, field.annotation, level + 1, shown)


def _table(model: Model) -> Iterator[str]:
    yield "| key | what it is | values | default |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        about = field.description or " or ".join(map(_doc, models_in(field.annotation))) or "Which one it is."
        yield f"| `{name}` | {_cell(about)} | {_cell(_values(field.annotation, field.metadata))} | {_default(field)} |"


def _doc(model: Model) -> str:
    return " ".join(str(model.__doc__).partition("\n\n")[0].split())


def _tag(model: Model) -> str:
    """Such as: kind `folder` or `lsun`."""
    name, field = next((name, field) for name, field in model.model_fields.items() if name in ("kind", "family"))
    tags = [f"`{tag}`" for tag in get_args(field.annotation)]
    return f"{name} {' or '.join(tags) if len(tags) < 3 else ', '.join(tags)}"


def models_in(kind: Any) -> list[Model]:
    """The models that a value of this kind may be, or hold as entries or items."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if get_origin(kind) is Annotated:
        return models_in(get_args(kind)[0])
    if get_origin(kind) in (dict, list, Union, UnionType):
        return [model for member in get_args(kind) for model in models_in(member)]
    return []


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, BaseModel):
        return "see below"
    value = (
        [item.given() if isinstance(item, Section) else item for item in field.default]
        if isinstance(field.default, list)
        else field.default
    )
    if value in ({}, []):
        return "empty"
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return f"`{text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}`"


def _values(kind: Any, metadata: list[Any]) -> str:
    """What is let through, in words."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _values(inside[0], [*_flat(inside[1:]), *metadata])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_values(member, metadata) for member in inside if member is not type(None)))
    if origin is list:
        least = next((item.min_length for item in metadata if isinstance(item, MinLen)), None)
        most = next((item.max_length for item in metadata if isinstance(item, MaxLen)), None)
        return f"list of {f'{least} of ' if least and least == most else ''}{_values(inside[0], [])}"
    if origin is dict:
        within = _values(inside[1], [])
        return "map" if within == "map" else f"map of {within}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "map"
    if any(getattr(item, "pattern", None) == NAME for item in metadata):
        return "name"
    word = {str: "text", int: "integer", float: "number", bool: "`true`, `false`"}[kind]
    bounds = [
        f"{BOUNDS[type(item)][0]} {getattr(item, BOUNDS[type(item)][1])}" for item in metadata if type(item) in BOUNDS
    ]
    return " ".join([word, *bounds])


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    """Constraints, those inside a Field among them."""
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else [item]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write({"page": page, "schema": schema}[sys.argv[1]]())
