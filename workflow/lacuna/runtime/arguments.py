"""Arguments that come by file, written where the workflow plans and read where a stage runs.

Linux takes at most 128 KB in one argument, and a shell's whole command is one. The settings of a thousand sources and
the shards of ImageNet are longer.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lacuna.formats import files

MARK = "@"
LONGEST = 32_768  # characters in an argument; several of these fit into one command


def argument(text: str, folder: Path) -> str:
    """The text, or where it is long `@` and the path of a file in `folder` that holds it, named by its content."""
    if len(text) <= LONGEST:
        return text
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    if not path.exists():
        files.write_text(path, text)
    return MARK + path.as_posix()


def names(words: Sequence[str]) -> list[str]:
    """Words of a flag that takes several: the words, or the lines of the one file `@FILE`."""
    if len(words) == 1 and words[0].startswith(MARK):
        return Path(words[0][1:]).read_text(encoding="utf-8").splitlines()
    return list(words)
