"""The frame around every stage's `main`: flags, logging, progress, signals and the one-line error."""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, TypeVar

from tqdm import tqdm

from lacuna.errors import UserError
from lacuna.runtime import arguments, usage

T = TypeVar("T")
LOG_INTERVAL_S = 30.0  # a log file gets one progress line this often; a terminal is redrawn live


class Terminated(BaseException):
    """SIGTERM or Ctrl-C arrived. Loops that can resume catch it, save their state and raise it again."""


def parser(stage: str, description: str | None) -> argparse.ArgumentParser:
    """Command line of one stage; `--code`, the digest of the stage's source, is common to all."""
    command_line = argparse.ArgumentParser(
        prog=f"python -m lacuna.{stage}",
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command_line.add_argument("--code", required=True, help="digest of the stage's source, kept in the output")
    return command_line


def json_object(text: str) -> dict[str, Any]:
    """Type of `--settings`: a JSON object, or `@` and the file that holds it, from the checked configuration."""
    try:
        value = json.loads(arguments.text_of(text))
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
