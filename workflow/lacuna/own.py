"""Where the tool's own files are, whichever folder it works in: those of the checkout, or those that pip installed.

A checkout has the workflow around the package; an installation has it inside, under CHECKOUT, with the same tree.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = "checkout"
ROOT = PACKAGE / CHECKOUT if (PACKAGE / CHECKOUT).is_dir() else PACKAGE.parents[1]
SNAKEFILE = ROOT / "Snakefile"
CONFIG = ROOT / "config.yaml"  # the embedded default
DEMO = "workflow/demo/"  # how a configuration begins the path of a file of ours


def is_installed() -> bool:
    """Whether pip has put the package where Python finds it by itself."""
    return ROOT.parent == PACKAGE


def path(given: str) -> str:
    """A path of a configuration: one of our own files at its place, any other as it is, for the working folder."""
    return given if not given.startswith(DEMO) or Path.cwd() == ROOT else str(ROOT / given)
