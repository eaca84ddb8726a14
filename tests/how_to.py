"""Does what a page of docs/how_to says in a copy of the workflow: writes its files, applies its patches."""

import re
import subprocess
from pathlib import Path

import toy

BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def follow(page: str, copy: Path) -> None:
    """Do what docs/how_to/<page>.md says in `copy`."""
    text = (toy.ROOT / "docs" / "how_to" / f"{page}.md").read_text(encoding="utf-8")
    for language, name, content in BLOCK.findall(text):
        if language == "diff":
            # One file per block; line numbers move as the house is lived in, so what a patch says is looked for.
            command = ["git", "apply", "--recount", "--unsafe-paths", f"--directory={copy}", "-"]
            subprocess.run(command, input=content, text=True, check=True, cwd=copy)
        elif name:
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
