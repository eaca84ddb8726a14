"""What lies beside the page, for papers: every figure as SVG and PDF, every table as TSV."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lacuna.figures import style
from lacuna.figures.sizes import SizePoint
from lacuna.formats import tables
from lacuna.pages import across, conditional
from lacuna.pages.conditional import Section
from lacuna.pages.distribution import Comparison
from lacuna.pages.instances import ClassLoss, Inversion
from lacuna.pages.training import Training
from lacuna.pages.words import ClassRow


def write(
    folder: Path,
    comparisons: Sequence[Comparison],
    section: Section | None,
    inversions: Sequence[Inversion],
    trainings: Sequence[Training],
) -> None:
    """Write all of it into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: figure for comparison in comparisons for name, figure in comparison.figures.items()}
    drawn = [*section.shared, *(classes.diversity for classes in section.classes)] if section else []
    figures |= {item.name: item.figure for item in drawn}
    figures |= {f"instances-{view.anchor}": view.figure for view in inversions}
    figures |= {view.name: view.figure for view in trainings}
    for name, figure in figures.items():
        for kind in ("svg", "pdf"):
            style.save(figure, folder / f"{name}.{kind}")
    columns = [field.name for field in dataclasses.fields(ClassRow)]
    for comparison in comparisons:
        rows = [dataclasses.astuple(row) for row in comparison.rows]
        tables.write_tsv(folder / f"distribution-{comparison.anchor}.tsv", columns, rows)
        points = [dataclasses.astuple(point) for point in comparison.measures.points]
        sizes = [field.name for field in dataclasses.fields(SizePoint)]
        tables.write_tsv(folder / f"sample-sizes-{comparison.anchor}.tsv", sizes, points)
    if comparisons:
        rows_across = across.tsv_rows(across.classes_across(comparisons))
        tables.write_tsv(folder / "across.tsv", across.columns(comparisons), rows_across)
    columns = [field.name for field in dataclasses.fields(conditional.ClassRow)]
    for classes in section.classes if section else []:
        rows = [dataclasses.astuple(row) for row in classes.rows]
        tables.write_tsv(folder / f"classes-{classes.anchor}.tsv", columns, rows)
    columns = [field.name for field in dataclasses.fields(ClassLoss)]
    for view in inversions:
        losses = [dataclasses.astuple(loss) for loss in view.losses]
        tables.write_tsv(folder / f"instances-{view.anchor}.tsv", columns, losses)
