"""The page on the file formats, written from the modules that read and write them: docs/formats.md is what this gives.

python -m lacuna.report.formats > docs/formats.md
"""

import sys
from types import ModuleType

from lacuna.formats import (
    appearances,
    areas,
    captions,
    checkpoints,
    images,
    inversions,
    manifests,
    moments,
    omissions,
    overfits,
    paired,
    planted,
    regions,
)  # fmt: skip

MODULES: tuple[ModuleType, ...] = (
    images, areas, regions, planted, moments, paired, appearances, inversions, omissions, overfits, checkpoints,
    manifests, captions,
)  # fmt: skip

OPENING = """\
# File formats

Every HDF5 file carries the attributes `format` (name and version), `stage`, `code` (digest of the code that made it),
`config` (JSON of its parameters), `seed` and `inputs` (JSON: path -> digest; of a user's images the digest of their
names and sizes), so that a file carried elsewhere still says where it comes from. Shards are named by the images that
they hold, `0-999.h5`; `index` says which image a row is of. Areas are stored as pixel counts and reported in percent of
the image. Files appear under their names only when they are whole.

Tables for people are TSV with a header; their columns are explained in [statistics.md](statistics.md). This page is
written from the modules in `workflow/lacuna/formats/`, the only reader and writer of each format (`make docs`).
"""


def formats_page() -> str:
    """Markdown: what the modules say of their files, a section each."""
    return "\n".join([OPENING, *(section(module) for module in MODULES)])


def section(module: ModuleType) -> str:
    """The first line of a module's docstring as a heading, the rest below it."""
    title, _, body = (module.__doc__ or "").strip().partition("\n")
    lines = [line for line in body.strip().splitlines() if not line.startswith("Shape suffixes:")]
    return "\n".join([f"## {title.rstrip('.')}", "", *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(formats_page())
