"""Generators side by side: their order, the classes that separate them, the truth, and the curves."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import report_results
import toy

from lacuna.formats import tables
from lacuna.report.figures import families as figures
from lacuna.report.figures.bars import ClassBar
from lacuna.report.inputs import Inputs
from lacuna.report.sections.distribution import comparison as distribution
from lacuna.report.sections.families import content as families
from lacuna.report.sections.families.content import Member
from lacuna.report.words import ClassRow


def member(name: str, fsd: float, low: float, high: float) -> Member:
    return Member(name, fsd, (fsd, low, high), fsd - 1, 1.0, 100, None)


def row(name: str, delta: float, half: float = 0.1) -> ClassRow:
    return ClassRow(
        name, "object", 1.0, 1.0 + delta, delta, delta - half, delta + half, 0.5, 0.5, 1.0, 0.01, 0.1, "kept"
    )


def test_the_order_says_where_the_intervals_do_not_decide() -> None:
    text = families.order([member("one", 20, 18, 22), member("two", 21, 19, 23), member("far", 300, 280, 310)])
    assert text.startswith("From the nearest to the farthest, by FSD: one 20.0, two 21.0, far 300.")
    assert text.endswith("overlap for one and two.")
    assert "overlap" not in families.order([member("one", 20, 18, 22), member("far", 300, 280, 310)])


def test_classes_separate_where_intervals_are_apart_the_widest_gap_first() -> None:
    found = families.separating(
        {
            "one": [row("person", -0.9), row("fence", -0.1), row("sky", 0.0), row("-", -1.0)],
            "two": [row("person", 0.0), row("fence", 0.5), row("sky", 0.15), row("-", 1.0)],
        }
    )
    assert [text.split(":")[0] for text in found] == ["person", "fence"]
    assert "\N{MINUS SIGN}90" in found[0] and "in one" in found[0] and "in two" in found[0]


@pytest.fixture
def results(tmp_path: Path) -> tuple[Inputs, Path]:
    """The pretended generator under two names, one of them followed, and the truth about the scenes."""
    folder = report_results.build(tmp_path)
    config: dict[str, Any] = report_results.config()
    config["sources"]["other"] = config["sources"]["progan"] | {"generator": "other"}
    config["generators"]["other"] = {
        "family": "wgan",
        "checkpoint": "w",
        "encoders": {},
        "curve": str(tmp_path / "c.tsv"),
    }
    config["comparisons"].append({"real": "chapel", "generated": "other", "segmenter": "chapel"})
    config["truth"] = ["chapel"]
    shutil.copytree(folder / "sample/progan", folder / "sample/other")
    columns = ["images", "size", "fsd", "mean_term", "covariance_term", "num_real", "num_generated"]
    tables.write_tsv(
        tmp_path / "c.tsv", columns, [[1000, 8, 200.0, 150.0, 50.0, 64, 64], [9000, 32, 20.0, 15, 5, 64, 64]]
    )
    for suffix in ("tsv", "json"):
        text = (folder / f"fsd/chapel/chapel~progan.{suffix}").read_text()
        (folder / f"fsd/chapel/chapel~other.{suffix}").write_text(text)
    report_results.copy_appearance(folder, "other")
    rates = [("exact", 0.5), ("segmented", 0.45), ("progan", 0.0), ("other", 0.25)]
    rows = [
        [name, side, rate, max(rate - 0.1, 0), rate + 0.1, 1.0] for name in ("person", "sky") for side, rate in rates
    ]
    truth = folder / "truth/chapel/chapel.tsv"
    tables.write_tsv(truth, ["class", "source", "presence", "presence_low", "presence_high", "area"], rows)
    found = {"fsd": 30.0, "fsd_to_exact": 31.0, "own_share": 0.05}
    summary = {"segmenter": {"fsd": 1.5}, "num_scenes": 64, "generated": {"progan": found, "other": found}}
    tables.write_json(truth.with_suffix(".json"), summary)
    return Inputs(toy.configuration(**config), folder), folder


def test_a_group_holds_distances_truth_and_curve(results: tuple[Inputs, Path]) -> None:
    inputs, _ = results
    comparisons = [distribution.view(inputs, entry) for entry in inputs.config.comparisons]
    (group,) = families.views(inputs, comparisons)
    assert [found.name for found in group.members] == ["progan", "other"] and group.members[0].own_share == 0.05
    assert "overlap for progan and other" in group.order and group.separating == []
    person = next(rate for rate in group.rates if rate.name == "person")
    assert (person.exact, person.seen, [found[0] for found in person.generated]) == (0.5, 0.45, [0.0, 0.25])
    assert "FSD of 1.50 apart" in group.own
    assert [drawn.name for drawn in group.figures] == ["families-chapel-chapel", "families-training"]
    assert "other" in group.figures[1].svg and "progan" not in group.figures[1].svg
    assert families.views(inputs, comparisons[:1]) == []


def test_all_generators_are_on_one_scale() -> None:
    bars = {
        name: [ClassBar("sky", 30, 30 + k, k / 30, -0.1, 0.1, "kept"), ClassBar("person", 1, 9, 8.0, 7, 9, "excess")]
        for k, name in enumerate(("one", "two", "three"))
    }
    figure = figures.side_by_side(bars)
    left, *others = figure.axes
    assert [axes.get_title() or axes.get_title("left") for axes in others] == ["one", "two", "three"]
    assert len({axes.get_xlim() for axes in others}) == 1 and left.get_xscale() == "log"
    assert [label.get_text() for label in left.get_yticklabels()] == ["sky", "person"]
