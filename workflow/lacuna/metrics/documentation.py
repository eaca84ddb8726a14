"""The page on the numbers of a comparison, written from their columns: docs/numbers.md is what this gives.

python -m lacuna.metrics.documentation > docs/numbers.md
"""

import sys

from lacuna import metrics
from lacuna.areas import contrast
from lacuna.areas.columns import markdown
from lacuna.areas.verdicts import CLASS_COLUMNS

OPENING = """\
# The numbers of a comparison

Every number that `snakemake fsd` writes, by name; how each is computed and how far it may be trusted is in
[statistics.md](statistics.md). Numbers named together are a value, the ends of its interval, and what real images
have among themselves. This page is written from the columns of the metrics in `workflow/lacuna/metrics/` (`make docs`).
"""


def numbers_page() -> str:
    """Markdown: the summary's metrics, one section per metric, then the table of classes."""
    parts = [OPENING, "## The summary (`results/fsd/<segmenter>/<real>~<generated>.json`)\n"]
    parts.append("At the top for the category of the setting `fsd.category`, and in `by_category` for each category.\n")
    for metric in metrics.METRICS:
        module = sys.modules[metric.measure.__module__]
        heading = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
        parts += [f"### {heading}\n", markdown(metric.columns) + "\n"]
    parts += ["## One row per class (`.tsv` beside it)\n", markdown(CLASS_COLUMNS) + "\n"]
    parts += ["## Is B nearer than A (`results/contrast/<segmenter>/<real>~<a>~<b>.json`)\n"]
    parts += [markdown(contrast.COLUMNS) + "\n", "One row per class (`.tsv` beside it):\n"]
    parts += [markdown(contrast.CLASS_COLUMNS) + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(numbers_page())
