"""Print all evaluations of a configuration: a block a source, a quantity a row, a method a column."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from lacuna.formats import tables
from lacuna.runtime import command

CELL = 24  # characters
LABEL = 22


class Job(command.Job):
    """What the stage is told."""

    tables: list[str] = Field(description="results/evaluate/GENERATOR/SOURCE.tsv")
    confidence: float = Field(description="two-sided level of their intervals")


def main(argv: Sequence[str] | None = None) -> None:
    job = command.job("evaluate_table", Job, __doc__, argv)
    blocks = [
        block(Path(path).parent.name, Path(path).stem, tables.read_tsv(path), job.confidence) for path in job.tables
    ]
    print("\n\n".join(blocks))


def block(generator: str, source: str, rows: Sequence[Mapping[str, str]], confidence: float) -> str:
    """One source: mean over its images and, in brackets, the interval of the mean."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    cells = {(row["quantity"], row["method"]): cell(row) for row in rows}
    count = max((int(row["num_images"]) for row in rows), default=0)
    truth = "z is known" if any(row["truth"] == "yes" for row in rows) else "z is not known"
    level = f"{100 * confidence:g} % interval of the mean"
    lines = [f"{generator}, {count} images of {source} ({truth}): mean [{level}]"]
    lines.append(" " * LABEL + "".join(f"{method:<{CELL}}" for method in methods))
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        values = "".join(f"{cells.get((quantity, method), ''):<{CELL}}" for method in methods)
        lines.append(f"{quantity:<{LABEL}}{values}")
    return "\n".join(line.rstrip() for line in lines)


def cell(row: Mapping[str, str]) -> str:
    """A mean and its interval, to three digits after the point, or to one from ten on."""
    mean, low, high = (float(row[name]) for name in ("mean", "low", "high"))
    digits = 1 if abs(mean) >= 10 else 3
    return f"{mean:.{digits}f} [{low:.{digits}f} {high:.{digits}f}]"


if __name__ == "__main__":
    command.run("evaluate_table", main)
