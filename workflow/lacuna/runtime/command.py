"""The frame around every stage's `main`: flags, logging, progress, signals and the one-line error."""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from tqdm import tqdm

from lacuna.config.base import lines
from lacuna.errors import UserError
from lacuna.runtime import arguments, usage

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
LOG_INTERVAL_S = 30.0  # a log file gets one progress line this often; a terminal is redrawn live


class Terminated(BaseException):
    """SIGTERM or Ctrl-C arrived. Loops that can resume catch it, save their state and raise it again."""


class Job(BaseModel):
    """What every stage is told; a stage adds its own keys."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="digest of the stage's source, kept in the output")


class ComputingJob(Job):
    """What a stage is told that computes with torch."""

    device: str = Field("auto", description="auto, cpu or cuda")
    threads: int = Field(1, description="of the CPU")


J = TypeVar("J", bound=Job)


def job(stage: str, model: type[J], description: str | None, argv: Sequence[str] | None) -> J:
    """The job on the command line: `--job JSON|FILE`, over which each key that is also given as a flag goes.

    Raises:
        UserError: keys that the stage does not know, misses, or cannot take.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m lacuna.stages.{stage}",
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--job", type=json_object, default={}, help="JSON object with the keys below, or its file")
    for name, field in model.model_fields.items():
        many = {"nargs": "*"} if get_origin(field.annotation) is list else {}
        about = (field.description or "").replace("%", "%%")
        parser.add_argument(_flag(name), help=about, **many)  # type: ignore[arg-type]
    given = vars(parser.parse_args(argv))
    return checked(
        model, given.pop("job") | {name: _value(model.model_fields[name], word) for name, word in given.items()}
    )


def checked(model: type[M], told: Mapping[str, Any]) -> M:
    """What was told, as the model has it.

    Raises:
        UserError: keys that the model does not know, misses, or cannot take.
    """
    try:
        return model.model_validate(told)
    except ValidationError as error:
        raise UserError("; ".join(lines(error, model, told))) from None


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _value(field: FieldInfo, word: str | list[str]) -> Any:
    """What a flag says: JSON for a key that holds a map, else text, of which pydantic makes what the key takes."""
    if isinstance(word, list):
        return arguments.names(word)
    inside = (field.annotation, *get_args(field.annotation))
    is_map = any(
        get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)) for kind in inside
    )
    return json_object(word) if is_map else word


def json_object(text: str) -> dict[str, Any]:
    """A JSON object: as it is, or `@` and the file, or the file, that holds it."""
    try:
        value = json.loads(text if text.lstrip().startswith("{") else Path(text.removeprefix("@")).read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"found {type(value).__name__}, expected a JSON object")
    return value


def run(stage: str, main: Callable[[Sequence[str] | None], None]) -> None:
    """Run a stage: a user's mistake ends in one line and exit 1, SIGTERM and Ctrl-C too, a bug in its traceback."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {stage}: %(message)s", datefmt="%H:%M:%S"
    )
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        main(None)
        usage.log_gpu_memory()
    except (Terminated, KeyboardInterrupt):
        sys.exit(f"{stage}: terminated by SIGTERM or Ctrl-C; run the same command again to continue")
    except (UserError, OSError) as error:
        sys.exit(f"{stage}: {' '.join(str(error).split())}")


def progress(items: Iterable[T], *, total: int | None = None, desc: str = "", unit: str = "it") -> "tqdm[T]":
    """`tqdm` over `items`: live on a terminal, a line every 30 s in a log."""
    live = sys.stderr.isatty()
    return tqdm(
        items,
        total=total,
        desc=desc,
        unit=unit,
        mininterval=0.2 if live else LOG_INTERVAL_S,
        maxinterval=1.0 if live else LOG_INTERVAL_S,
        ascii=not live,
        dynamic_ncols=live,
    )


def _raise_terminated(signum: int, frame: FrameType | None) -> None:
    raise Terminated
