"""The section about classes: are they recognised, do images differ, are they learnt by heart, what do they lack?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from matplotlib.figure import Figure
from numpy.typing import NDArray

from lacuna.config import targets
from lacuna.config.conditional import Conditional
from lacuna.formats import overfits, tables
from lacuna.report import charts, words
from lacuna.report.charts import Drawn
from lacuna.report.figures import conditional, embed
from lacuna.report.figures.colours import BACKGROUND
from lacuna.report.figures.conditional import ClassPoint, Curve
from lacuna.report.inputs import Inputs
from lacuna.report.page import Page, Section, Table
from lacuna.report.sections.classes.pictures import Picture, overfit_pictures, sample_sheet

SHORT = ("omitted", "reduced")


@dataclass(frozen=True)
class ClassRow:
    """A class of one generator: shares as fractions, similarity of pairs, and the objects that it lacks."""

    label: int
    name: str
    real_accuracy: float
    accuracy: float
    taken_for: str
    real_similarity: float
    similarity: float
    recognition: str
    diversity: str
    fsd: float
    lacks: str


@dataclass(frozen=True)
class Evaluation:
    """Everything that the page says of the classes of one generator."""

    anchor: str
    generated: str
    real: str
    headline: str
    facts: list[tuple[str, str]]
    rows: list[ClassRow]
    rule: str
    diversity: Drawn
    pictures: list[Picture]
    tsv_address: str


@dataclass(frozen=True)
class Classes(Section):
    """All evaluations, and the figures that they share."""

    evaluations: list[Evaluation]
    shared: list[Drawn]

    @classmethod
    def of(cls, page: Page) -> Self | None:
        """Read the evaluations."""
        inputs, entries = page.inputs, page.inputs.config.conditional
        if not entries:
            return None
        shared = [accuracy_figure(inputs, entries)]
        counts = count_series(inputs, entries)
        if counts:
            label = "MS-SSIM of the classes that several generators share, over the number of classes learnt."
            figure = conditional.class_counts(counts)
            shared.append(charts.drawn("classes-counts", figure, label, label))
        return cls([evaluation(inputs, entry) for entry in entries], shared)

    def figures(self) -> Mapping[str, Figure]:
        """Those that are shared, and one per evaluation."""
        return {item.name: item.figure for item in (*self.shared, *(found.diversity for found in self.evaluations))}

    def tables(self) -> Iterable[Table]:
        """The classes of each generator."""
        for found in self.evaluations:
            caption = f"Classes of {found.generated} against {found.real}."
            yield Table.of(f"classes-{found.anchor}", caption, ClassRow, found.rows)


def evaluation(inputs: Inputs, entry: Conditional) -> Evaluation:
    """Read, word and draw one evaluation."""
    found = Read.of(inputs, entry)
    rows = class_rows(found)
    points = [ClassPoint(row.name, row.real_similarity, row.similarity, row.accuracy) for row in rows]
    figure = conditional.diversity(points, found.diversity["threshold"])
    anchor = f"{entry.generated}-{entry.real}"
    label = f"Similarity and accuracy of the classes of {entry.generated}: {len(rows)} points per panel."
    caption = (
        "Mean MS-SSIM of random pairs within each class, generated against real, and accuracy against it. Dashed: the "
        f"highest mean of a real class ({found.diversity['threshold_class']}, {found.diversity['threshold']:.3f})."
    )
    drawn = charts.drawn(f"classes-{anchor}", figure, label, caption)
    classes = [(row.label, row.name) for row in rows]
    return Evaluation(
        anchor=anchor,
        generated=entry.generated,
        real=entry.real,
        headline=headline(entry.generated, rows, found),
        facts=facts(found),
        rows=rows,
        rule=found.diversity["rule"],
        diversity=drawn,
        pictures=[*sample_sheet(inputs, entry, classes), *overfit_pictures(found.pictures)],
        tsv_address=embed.text_address(inputs.path(targets.conditional_files("diversity", entry)[0]).read_text()),
    )


@dataclass(frozen=True)
class Read:
    """The results of one evaluation as they lie in files."""

    accuracy_rows: list[dict[str, str]]
    accuracy: dict[str, Any]
    diversity_rows: list[dict[str, str]]
    diversity: dict[str, Any]
    overfit: dict[str, Any]
    pictures: dict[str, NDArray[Any]]
    by_class_rows: list[dict[str, str]]
    by_class: dict[str, Any]

    @staticmethod
    def of(inputs: Inputs, entry: Conditional) -> "Read":
        """Read them all."""
        files = {stage: targets.conditional_files(stage, entry) for stage in targets.CONDITIONAL}
        by_class = [inputs.path(path) for path in targets.by_class_files(entry)] if entry.segmenter else []
        return Read(
            accuracy_rows=tables.read_tsv(inputs.path(files["discriminate"][0])),
            accuracy=tables.read_json(inputs.path(files["discriminate"][1])),
            diversity_rows=tables.read_tsv(inputs.path(files["diversity"][0])),
            diversity=tables.read_json(inputs.path(files["diversity"][1])),
            overfit=tables.read_json(inputs.path(files["overfit"][1])),
            pictures=overfits.read(inputs.path(files["overfit"][2])),
            by_class_rows=tables.read_tsv(by_class[1]) if by_class else [],
            by_class=tables.read_json(by_class[0])["by_label"] if by_class else {},
        )

    def at_full_size(self, side: str) -> dict[str, dict[str, str]]:
        """Rows of discriminate by label, `all` among them."""
        rows = [row for row in self.accuracy_rows if row["side"] == side]
        full = max(int(row["resolution"]) for row in rows)
        return {row["label"]: row for row in rows if int(row["resolution"]) == full}


def class_rows(found: Read) -> list[ClassRow]:
    """One row per generated class."""
    real, generated = found.at_full_size("real"), found.at_full_size("generated")
    rows = []
    for row in found.diversity_rows:
        label = row["label"]
        lacks = [
            f"{other['class']} ({other['verdict']})" for other in found.by_class_rows
            if other["label"] == label and other["verdict"] in SHORT and other["class"] != BACKGROUND
        ]  # fmt: skip
        taken_for = generated[label]["taken_for"]
        share = float(generated[label]["taken_for_share"])
        rows.append(ClassRow(
            label=int(label), name=row["name"], real_accuracy=float(real[label]["accuracy"]),
            accuracy=float(generated[label]["accuracy"]),
            taken_for=f"{taken_for} ({words.share(share)})" if taken_for else "",
            real_similarity=float(row["real_ms_ssim"]), similarity=float(row["generated_ms_ssim"]),
            recognition=generated[label]["verdict"], diversity=row["verdict"],
            fsd=found.by_class.get(label, {}).get("fsd", float("nan")), lacks=", ".join(lacks),
        ))  # fmt: skip
    return rows


def headline(generated: str, rows: Sequence[ClassRow], found: Read) -> str:
    """One sentence: how many samples show their class, which classes are not seen, which have collapsed."""
    whole = {side: float(found.at_full_size(side)["all"]["accuracy"]) for side in ("real", "generated")}
    text = f"{words.share(whole['generated'])} of the samples of {generated} show their class"
    text += f" ({words.share(whole['real'])} of the real images)"
    missed = [row.name for row in rows if row.recognition == "indistinct"]
    collapsed = [row.name for row in rows if row.diversity == "collapsed"]
    if missed:
        text += f"; not recognised: {', '.join(missed)}"
    if collapsed:
        text += f"; collapsed: {', '.join(collapsed)}"
    return f"{text}."


def facts(found: Read) -> list[tuple[str, str]]:
    """Name and value of the numbers that the paper reports."""
    real, generated, together = found.accuracy["real"], found.accuracy["generated"], found.diversity["together"]
    scores = [f"{side['inception_score']:.2f} ± {side['inception_score_std']:.2f}" for side in (generated, real)]
    better = generated["share_better_at_full_size"]
    low, diverse = together["low_accuracy_of_low_diversity"], together["low_accuracy_of_diverse"]
    limit = words.share(together["accuracy_at_most"])
    close, expected = found.overfit["share_close"], found.overfit["share_close_expected"]
    return [
        ("inception score, by this classifier", f"{scores[0]} (real {scores[1]})"),
        ("classes known better at full size than at 32 px", words.UNKNOWN if better is None else words.share(better)),
        ("classes with MS-SSIM under the threshold", words.share(found.diversity["share_under_threshold"])),
        (
            "accuracy against MS-SSIM, r²",
            words.UNKNOWN if together["r_squared"] is None else f"{together['r_squared']:.2f}",
        ),
        (
            f"accuracy at most {limit}",
            f"{words.UNKNOWN if low is None else words.share(low)} of low-diversity classes, "
            f"{words.UNKNOWN if diverse is None else words.share(diverse)} of diverse ones",
        ),
        (
            "samples as near to a training image as 1 in 100 held-out images",
            f"{words.share(close)} (learnt by heart if far over {words.share(expected)})",
        ),
    ]


def accuracy_figure(inputs: Inputs, entries: Sequence[Conditional]) -> Drawn:
    """Accuracy over resolution of every generator, and of the real images first."""
    curves: dict[str, Curve] = {}
    for side in ("real", "generated"):
        for entry in entries:
            found = tables.read_json(inputs.path(targets.conditional_files("discriminate", entry)[1]))[side]["accuracy"]
            sizes = sorted(map(int, found))
            values = [found[str(size)] for size in sizes]
            curve = Curve(
                getattr(entry, side), sizes, [value["accuracy"] for value in values], [value["std"] for value in values]
            )
            drawn = [(other.resolution, other.accuracy) for other in curves.values()]
            if (curve.resolution, curve.accuracy) not in drawn:  # the same scenes under two names are one curve
                curves.setdefault(getattr(entry, side), curve)
    figure = conditional.accuracy(list(curves.values()))
    label = f"Accuracy of the classifier over resolution, for {', '.join(curves)}."
    caption = (
        "Accuracy of the fixed classifier on images that were reduced to a resolution and brought back; bars are the "
        "standard deviation over subsets of images."
    )
    return charts.drawn("classes-accuracy", figure, label, caption)


def count_series(inputs: Inputs, entries: Sequence[Conditional]) -> dict[str, list[tuple[int, float]]]:
    """Class name -> (number of classes learnt, MS-SSIM) over the generators of `class_counts`; shared classes only."""
    wanted = inputs.config.class_counts
    found = [
        tables.read_tsv(inputs.path(targets.conditional_files("diversity", entry)[0]))
        for entry in entries if entry.generated in wanted
    ]  # fmt: skip
    shared = (
        [row["name"] for row in found[0] if all(row["name"] in {r["name"] for r in rows} for rows in found)]
        if found
        else []
    )
    return {
        name: sorted(
            (len(rows), float(next(row["generated_ms_ssim"] for row in rows if row["name"] == name))) for rows in found
        )
        for name in shared
    }
