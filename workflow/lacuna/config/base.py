"""What every section of the configuration is made of: types of values, and one line for each thing that is wrong."""

import itertools
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

T = TypeVar("T")
NAME = r"^[a-z0-9][a-z0-9_]*$"
QUOTE = "'"  # pydantic puts it around what it expects


class Section(BaseModel):
    """A part of the configuration: its keys, what each may be, its default; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def given(self) -> dict[str, Any]:
        """The keys that have a value, as plain data; what is absent is no key."""
        return self.model_dump(exclude_none=True)


def _without_repeats(values: list[T]) -> list[T]:
    repeated = [value for number, value in enumerate(values) if value in values[:number]]
    if repeated:
        raise problem(f"found {repeated[0]!r} twice, expected each once")
    return values


def problem(line: str) -> PydanticCustomError:
    """What a validator raises: a line that says what was found and what is expected."""
    return PydanticCustomError("own", "{line}", {"line": line})


Name = Annotated[str, Field(pattern=NAME)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=1)]  # of an interval
Unique = Annotated[list[T], AfterValidator(_without_repeats), Field(json_schema_extra={"uniqueItems": True})]
Precision = Annotated[
    Literal["auto", "float32", "tf32", "bfloat16"],
    Field(
        description="Arithmetic of the networks. auto is bfloat16 on a GPU and float32 on a CPU; bfloat16 is fast on "
        "GPUs and on CPUs with AMX, and slower than float32 on others."
    ),
]
Four = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=4, max_length=4)]
Measure = Literal["l1", "mse", "cosine"]
Category = Literal["object", "part", "material"]


def lines(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing that is wrong with what was given for a model: key path, found, expected.

    Of the members of a union that were tried in vain, the one that got furthest speaks.
    """
    walked = [(_walked(details["loc"], given), details) for details in error.errors(include_url=False)]
    for place, details in walked:
        if not any(len(other.path) > len(place.path) == _common(other.path, place.path) for other, _ in walked):
            yield _line(place, details, model)


@dataclass(frozen=True)
class Place:
    """Key path of an error, what holds its last key, and whether it is the key that is wrong."""

    path: list[int | str]
    holder: Any
    is_key: bool = False

    def __str__(self) -> str:
        return ".".join(map(str, self.path)) or "top level"

    @property
    def parent(self) -> str:
        return ".".join(map(str, self.path[:-1])) or "top level"


def _walked(loc: Sequence[int | str], given: Any) -> Place:
    """Where an error is; pydantic names also the member of a union that it tried: `sources.chapel.world.count`."""
    path: list[int | str] = []
    holder = value = given
    for number, step in enumerate(loc):
        is_item = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if is_item or (isinstance(value, Mapping) and step in value):
            path, holder, value = [*path, step], value, value[step]
        elif number == len(loc) - 1 and isinstance(value, Mapping) and step != "[key]":  # a key that is missing
            path, holder = [*path, step], value
    return Place(path, holder, is_key=bool(loc) and loc[-1] == "[key]")


def _common(one: Sequence[int | str], other: Sequence[int | str]) -> int:
    """Length of the common beginning."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _line(place: Place, details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context, found = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        known = ", ".join(sorted(_model_at(model, details["loc"]).model_fields))
        return f"{place.parent}: found unknown key {place.path[-1]!r}, expected one of: {known}"
    if kind == "missing":
        beside = ", ".join(sorted(map(str, place.holder))) or "none"
        return f"{place.parent}: key {place.path[-1]!r} is missing, expected it beside {beside}"
    if kind == "union_tag_not_found" and isinstance(found, Mapping):
        beside = ", ".join(sorted(map(str, found))) or "none"
        return f"{place}: key {context['discriminator']} is missing, expected it beside {beside}"
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        return (
            f"{place}.{key}: found {context['tag']!r}, expected one of: {context['expected_tags'].replace(QUOTE, '')}"
        )
    if kind == "literal_error":
        known = context["expected"].replace(QUOTE, "").replace(" or ", ", ")
        return f"{place}: found {found!r}, expected one of: {known}"
    if place.is_key or context.get("pattern") == NAME:
        return f"{place}: found {found!r}, expected a name of lower-case letters, digits and _ ({NAME})"
    if kind == "own":
        return f"{place}: {details['msg']}"
    expected = details["msg"].removeprefix("Input should ").removeprefix("be ")
    return f"{place}: found {reprlib.repr(found)}, expected {expected[:1].lower()}{expected[1:]}"


def _model_at(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel]:
    """The model whose key is the last step of an error's location."""
    kind: Any = model
    for step in loc[:-1]:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(step)].annotation
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        else:
            kind = next(member for member in get_args(kind) if str(step) in _tags(member))
        while get_origin(kind) is Annotated or type(None) in get_args(kind):
            kind = get_args(kind)[0]
    return cast(type[BaseModel], kind)


def _tags(member: Any) -> set[str]:
    """The kinds or families that a member of a union stands for."""
    fields = getattr(member, "model_fields", {}).values()
    return {tag for field in fields if get_origin(field.annotation) is Literal for tag in get_args(field.annotation)}
