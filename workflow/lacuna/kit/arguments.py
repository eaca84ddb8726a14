"""Arguments that come by file, written where the workflow plans and read where a stage runs.

Linux takes at most 128 KB in one argument, and a shell's whole command is one. The settings of a thousand sources and
the shards of ImageNet are longer.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacuna.formats import files

MARK = "@"


def argument_file(text: str, folder: Path) -> str:
    """`@` and the path of a file with this text, named by its content, so that equal texts share a file."""
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    if not path.exists():
        files.write_text(path, text)
    return MARK + path.as_posix()


def text_of(argument: str) -> str:
    """The argument, or the text of the file that `@FILE` names."""
    return Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith(MARK) else argument


class FileNames(argparse.Action):
    """Action of an argument that takes names of files: as words, or as the lines of the one file `@FILE`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        words: Sequence[str] = values
        listed = len(words) == 1 and words[0].startswith(MARK)
        setattr(namespace, self.dest, text_of(words[0]).splitlines() if listed else list(words))
