"""What lies beside the page, for papers: every figure as SVG and PDF, every table as TSV and LaTeX."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from lacuna.formats import latex, tables
from lacuna.report import across, conditional
from lacuna.report.conditional import Section
from lacuna.report.distribution import Comparison
from lacuna.report.families import Group
from lacuna.report.figures import style
from lacuna.report.figures.sizes import SizePoint
from lacuna.report.instances import ClassLoss, Inversion
from lacuna.report.overview import Row
from lacuna.report.run import Run
from lacuna.report.training import Training
from lacuna.report.words import ClassRow


@dataclass(frozen=True)
class Table:
    """A table of the page; `name` is that of its files, without suffix."""

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Contents:
    """What the page is made of."""

    overview: Sequence[Row]
    comparisons: Sequence[Comparison]
    groups: Sequence[Group]
    section: Section | None
    inversions: Sequence[Inversion]
    trainings: Sequence[Training]
    run: Run


def write(folder: Path, contents: Contents) -> None:
    """Write all of it into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures(contents).items():
        for kind in ("svg", "pdf"):
            style.save(figure, folder / f"{name}.{kind}")
    for table in all_tables(contents):
        tables.write_tsv(folder / f"{table.name}.tsv", table.columns, table.rows)
        latex.write_latex(folder / f"{table.name}.tex", table.columns, table.rows, table.caption)


def figures(contents: Contents) -> Mapping[str, Figure]:
    """Every figure of the page by the name of its files."""
    section = contents.section
    drawn = [*section.shared, *(classes.diversity for classes in section.classes)] if section else []
    found = {name: figure for comparison in contents.comparisons for name, figure in comparison.figures.items()}
    found |= {item.name: item.figure for item in drawn}
    found |= {item.name: item.figure for group in contents.groups for item in group.figures}
    for view in contents.inversions:
        found[f"instances-{view.anchor}"] = view.figure
        if view.methods_figure:
            found[f"methods-{view.anchor}"] = view.methods_figure
    return found | {view.name: view.figure for view in contents.trainings}


def all_tables(contents: Contents) -> Iterator[Table]:
    """Every table of the page."""
    if contents.overview:
        yield overview_table(contents.overview)
    for comparison in contents.comparisons:
        yield from comparison_tables(comparison)
    if contents.comparisons:
        rows_across = across.tsv_rows(across.classes_across(contents.comparisons))
        caption = "Relative difference and verdict of each class in all comparisons."
        yield Table("across", caption, across.columns(contents.comparisons), rows_across)
    for classes in contents.section.classes if contents.section else []:
        caption = f"Classes of {classes.generated} against {classes.real}."
        yield _of(f"classes-{classes.anchor}", caption, conditional.ClassRow, classes.rows)
    for view in contents.inversions:
        caption = f"What {view.generator} loses of {view.source} by {view.method}; areas in percent of the image."
        yield _of(f"instances-{view.anchor}", caption, ClassLoss, view.losses)
        cells = [
            (name, method, *astuple(cell))
            for name, row in view.accuracy.rows
            for method, cell in zip(view.accuracy.methods, row, strict=True)
            if cell
        ]
        caption = (
            f"How well {view.generator} is inverted: means over {view.accuracy.num_images} images of {view.source}."
        )
        yield Table(f"accuracy-{view.anchor}", caption, ("quantity", "method", "mean", "low", "high", "chance"), cells)
    yield cost_table(contents.run)


def overview_table(rows: Sequence[Row]) -> Table:
    """All comparisons, those too that the page does not go into."""
    columns = (
        "generated", "real", "segmenter", "fsd", "fsd_infinity", "fsd_infinity_low", "fsd_infinity_high",
        "baseline_fsd", "num_short", "most_short",
    )  # fmt: skip
    cells = [
        (row.generated, row.real, row.segmenter, row.fsd, *(row.infinity or (None,) * 3), row.baseline, row.num_short,
         ", ".join(row.short))
        for row in rows
    ]  # fmt: skip
    return Table("comparisons", "Distance of each comparison, and the classes most short.", columns, cells)


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """The tables of one comparison."""
    anchor, pair = comparison.anchor, f"{comparison.generated} against {comparison.real}"
    caption = f"Classes of {pair}, segmented by {comparison.segmenter}; areas in percent of the image."
    yield _of(f"distribution-{anchor}", caption, ClassRow, comparison.rows)
    measured = comparison.measures
    yield _of(f"sample-sizes-{anchor}", f"FSD of {pair} by number of images per side.", SizePoint, measured.points)
    distances = [
        (found.name, found.value, found.low, found.high, found.mean_term, found.covariance_term)
        for found in comparison.distances
    ]
    columns: tuple[str, ...] = ("distance", "value", "low", "high", "mean_term", "covariance_term")
    yield Table(f"distances-{anchor}", f"Distance of {pair}, and of real images from real images.", columns, distances)
    categories = [
        (one.name, one.num_classes, one.fsd, one.baseline, *(one.infinity or (None,) * 3), *(one.kernel or (None,) * 3),
         *(one.precision or (None,) * 2), *(one.recall or (None,) * 2))
        for one in measured.categories
    ]  # fmt: skip
    columns = (
        "category", "num_classes", "fsd", "baseline_fsd", "fsd_infinity", "fsd_infinity_low", "fsd_infinity_high",
        "kernel_distance", "kernel_low", "kernel_high", "precision", "baseline_precision", "recall", "baseline_recall",
    )  # fmt: skip
    yield Table(f"statistics-{anchor}", f"Statistics of {pair} by category.", columns, categories)
    heavy = [(*found.classes, found.contribution, found.share) for found in measured.pairs]
    caption = f"Pairs of classes that are heaviest in the covariance term of {pair}."
    yield Table(f"class-pairs-{anchor}", caption, ("class", "other", "contribution", "share"), heavy)


def cost_table(run: Run) -> Table:
    """Time and memory of each stage."""
    columns = ("stage", "jobs", "seconds", "longest_seconds", "cpu_seconds", "memory_mb", "gpu_mb", "images")
    return Table("costs", "Time and memory of each stage.", columns, [astuple(cost) for cost in run.costs])


def _of(name: str, caption: str, kind: type, rows: Sequence[Any]) -> Table:
    """A table of dataclasses, one column per field."""
    return Table(name, caption, [field.name for field in fields(kind)], [astuple(row) for row in rows])
