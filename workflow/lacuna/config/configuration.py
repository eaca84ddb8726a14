"""The configuration: checked against the schema, defaults filled in, cross-references resolved.

The schema is the only home of defaults. All that is wrong is reported at once, one line for each problem.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from lacuna.config import files, published, references, shorthand, yaml_files
from lacuna.errors import UserError
from lacuna.planning import jobs

Config = dict[str, Any]
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"


def check_config(
    config: Mapping[str, Any],
    where: str = "config.yaml",
    typed: Sequence[str] = (),
    exists: Callable[[str], bool] | None = None,
) -> Config:
    """The configuration with defaults filled in.

    Args:
        typed: words of `--config` on the command line.
        exists: whether a file is there; files are not looked for where None.

    Raises:
        UserError: a line for each thing that is wrong: file, key path, found, expected.
    """
    schema = yaml_files.read(SCHEMA)
    keys = schema["properties"]
    given = shorthand.with_paths(shorthand.with_texts(shorthand.without_nulls(config), typed, keys), keys)
    given = shorthand.with_expanded_paths(given)
    filled = shorthand.with_segmenter(_filled(given, schema, schema))
    validator = jsonschema.Draft202012Validator(schema)
    _refuse(where, map(_one_line, _deepest(error for error in validator.iter_errors(filled) if not _echo(error))))
    try:
        filled = published.resolved(filled)
    except UserError as unknown:
        raise UserError(f"{where}: {unknown}") from None
    _refuse(where, itertools.chain(references.problems(filled), files.problems(filled, exists)))
    _refuse(where, jobs.problems(filled))
    return filled


def _refuse(where: str, problems: Iterable[str]) -> None:
    """Raise a UserError that holds all of the problems, if there is any."""
    found = list(dict.fromkeys(problems))
    if len(found) == 1:
        raise UserError(f"{where}: {found[0]}")
    if found:
        raise UserError("\n  ".join([f"{where}: {len(found)} problems", *found]))


def _deepest(errors: Iterable[jsonschema.ValidationError]) -> Iterator[jsonschema.ValidationError]:
    """Of each error of alternatives, the one that says most."""
    for error in errors:
        found = jsonschema.exceptions.best_match([error])
        yield error if found is None else found


def _filled(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """`value` with the defaults of `schema`, at any depth; follows `$ref` and `allOf` of `if`/`then`."""
    if "$ref" in schema:
        target: Any = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return _filled(value, target, root)
    if isinstance(value, list):
        return [_filled(item, schema.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        return value
    found = dict(value)
    properties: dict[str, Any] = dict(schema.get("properties", {}))
    for branch in schema.get("allOf", []):
        properties |= _taken(branch, found).get("properties", {})
    for name, part in properties.items():
        if name not in found and "default" in part:
            found[name] = part["default"]
    extra = schema.get("additionalProperties")
    for name in found:
        part = properties.get(name, extra if isinstance(extra, dict) else {})
        found[name] = _filled(found[name], part, root)
    return found


def _echo(error: jsonschema.ValidationError) -> bool:
    """Whether known keys count as unknown only because something inside one of them is wrong."""
    schema: Any = error.schema
    found: Any = error.instance
    return error.validator == "unevaluatedProperties" and set(found) <= _known_keys(schema, found)


def _one_line(error: jsonschema.ValidationError) -> str:
    place = ".".join(str(part) for part in error.absolute_path) or "top level"
    schema: Any = error.schema
    found: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = ", ".join(sorted(_known_keys(schema, found)))
        unknown = ", ".join(repr(key) for key in sorted(set(found) - _known_keys(schema, found)))
        return f"{place}: found unknown key {unknown}, expected one of: {known}"
    if error.validator == "required":
        missing = [key for key in wanted if key not in found]
        return f"{place}: key {missing[0]!r} is missing, expected it beside {', '.join(sorted(found)) or 'none'}"
    if error.validator == "pattern":
        return f"{place}: found {found!r}, expected a name of lower-case letters, digits and _ ({wanted})"
    if error.validator == "enum":
        return f"{place}: found {found!r}, expected one of: {', '.join(map(str, wanted))}"
    expected = schema.get("description", "") if isinstance(schema, dict) else ""
    return f"{place}: found {error.message}, expected {error.validator} {wanted}. {expected}".rstrip()


def _known_keys(schema: Mapping[str, Any], instance: Mapping[str, Any]) -> set[str]:
    keys = set(schema.get("properties", {}))
    for branch in schema.get("allOf", []):
        keys |= set(_taken(branch, instance).get("properties", {}))
    return keys


def _taken(branch: Mapping[str, Any], instance: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an `if` with `then` and perhaps `else` says of this instance."""
    holds = jsonschema.Draft202012Validator(branch["if"]).is_valid(instance)
    taken: Mapping[str, Any] = branch["then"] if holds else branch.get("else", {})
    return taken
