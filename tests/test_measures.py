"""What the page says below the bars of a comparison, and of all comparisons together."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import report_results
import toy

from lacuna.config.configuration import Configuration
from lacuna.formats import tables
from lacuna.report import words
from lacuna.report.figures import style
from lacuna.report.figures.sizes import SizePoint, sensitivity
from lacuna.report.inputs import Inputs
from lacuna.report.sections.distribution import across
from lacuna.report.sections.distribution import comparison as distribution
from lacuna.report.sections.distribution.measures import COLUMNS, measures
from lacuna.stages import report


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two comparisons: the second generator keeps all that the first one leaves out, and has half as many images."""
    results = report_results.build(tmp_path_factory.mktemp("results"))
    stem = results / "fsd" / "chapel" / "chapel~progan"
    rows = tables.read_tsv(stem.with_suffix(".tsv"))
    for row in rows:
        row["verdict"], row["relative_delta"] = ("reduced", "-0.3") if row["class"] == "fence" else ("kept", "0.0")
    other = results / "fsd" / "chapel" / "chapel~twin"
    kept = [list(row.values()) for row in rows if row["class"] != "hill"]
    tables.write_tsv(other.with_suffix(".tsv"), list(rows[0]), kept)
    summary = tables.read_json(stem.with_suffix(".json"))
    tables.write_json(other.with_suffix(".json"), summary | {"num_generated": 32})
    return results


@pytest.fixture(scope="module")
def config() -> Configuration:
    found = report_results.config(inversions=[])
    found["sources"]["twin"] = {"kind": "table", "path": "twin.npy", "count": 32}
    found["comparisons"] = [{"real": "chapel", "generated": name, "segmenter": "chapel"} for name in ("progan", "twin")]
    return toy.configuration(**found)


@pytest.fixture(scope="module")
def views(results: Path, config: Configuration) -> list[distribution.Comparison]:
    return [distribution.view(Inputs(config, results), comparison) for comparison in config.comparisons]


def test_classes_that_most_generators_are_short_of_come_first(views: list) -> None:
    rows = across.classes_across(views)
    assert (rows[0].name, rows[0].num_short) == ("fence", 2)
    assert rows[0].mean_delta == pytest.approx(np.mean([cell.delta for cell in rows[0].cells if cell]))
    person = next(row for row in rows if row.name == "person")
    assert [cell.verdict for cell in person.cells if cell] == ["omitted", "kept"] and person.num_short == 1
    hill = next(row for row in rows if row.name == "hill")
    assert hill.cells[0] is not None and hill.cells[1] is None


def test_the_table_across_comparisons_is_on_the_page_and_beside_it(
    results: Path, config: dict, caplog: pytest.LogCaptureFixture
) -> None:
    page, beside = results.parent / "index.html", results.parent / "index_files"
    report.main(["--settings", json.dumps(config.given()), "--results", str(results), "--html", str(page),
                 "--code", "c0de", "--files-dir", str(beside)])  # fmt: skip
    text = page.read_text()
    assert 'id="across"' in text and "twin against chapel" in text
    rows = tables.read_tsv(beside / "across.tsv")
    assert rows[0]["class"] == "fence" and rows[0]["chapel-chapel-twin:verdict"] == "reduced"
    hill = next(row for row in rows if row["class"] == "hill")
    assert (hill["chapel-chapel-twin:delta"], hill["chapel-chapel-twin:verdict"]) == ("nan", "")
    warning = "different numbers of real and generated images (64 and 32, 64 and 64)"
    assert warning in text and warning in caplog.text
    assert "Contact sheet of the first 64 images of chapel" in text and "images of twin" not in text
    sizes = tables.read_tsv(beside / "sample-sizes-chapel-chapel-progan.tsv")
    assert [row["num_images"] for row in sizes] == ["64", "32", "21", "16"] and sizes[0]["baseline"] == "nan"
    assert {path.suffix for path in beside.glob("sample-sizes-*")} == {".svg", ".pdf", ".tsv", ".tex"}
    assert "it drops images: recall is under that of real images" in text


def test_equal_counts_give_no_warning_and_one_comparison_no_table(
    views: list, results: Path, config: Configuration
) -> None:
    assert across.unequal_counts(views[:1]) == across.unequal_counts([views[0], views[0]]) == ""
    page = results.parent / "one.html"
    one = config.given() | {"comparisons": config.given()["comparisons"][:1]}
    report.main(["--settings", json.dumps(one), "--results", str(results), "--html", str(page), "--code", "c0de"])
    assert 'id="across"' not in page.read_text()


def test_measures_are_those_of_the_summary() -> None:
    summary = {"covariance_term": 4.0, "class_pairs": [{"classes": ["a", "b"], "contribution": 1.0}]}
    found = measures(summary)
    assert found.figure is None and found.categories == [] and found.pairs[0].share == 0.25
    few = {"fsd": 1.0, "num_classes": 2, "fsd_infinity": None, "kernel_distance": None, "precision": None}
    category = measures(summary | {"by_category": {"object": few}}).categories[0]
    shown = {column.name: cell.value for column, cell in zip(COLUMNS, category.cells, strict=True)}
    assert shown["fsd"] == "1.00" and shown["num_classes"] == "2" and category.at_work == ""
    assert {shown[name] for name in ("fsd_infinity", "kernel_distance", "precision")} == {words.UNKNOWN}


def test_a_cell_has_its_interval_or_what_real_images_have_beside_it() -> None:
    found = {"kernel_distance": 0.5, "kernel_low": 0.25, "kernel_high": 0.75, "recall": 0.5, "baseline_recall": 0.875}
    category = measures({"covariance_term": 1.0, "by_category": {"object": found}}).categories[0]
    cells = {column.name: cell for column, cell in zip(COLUMNS, category.cells, strict=True)}
    assert cells["kernel_distance"].beside == "[0.250, 0.750]"
    assert cells["recall"].beside == f"({words.share(0.875)})"


def test_the_figure_shows_both_curves_and_the_limit() -> None:
    points = [SizePoint(1000, 2.0, None), SizePoint(250, 3.5, 1.5), SizePoint(500, 2.5, 0.7)]
    axes = sensitivity(points, (1.4, -0.2, 1.9)).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines["generated against real"].get_xdata().tolist() == [250, 500, 1000]
    assert list(lines["real against real"].get_ydata()) == [1.5, 0.7]
    assert axes.get_ylim()[0] == 0 and "1\N{THIN SPACE}000" in [tick.get_text() for tick in axes.get_xticklabels()]
    assert math.isclose(lines["endlessly many images, with interval"].get_ydata()[0], 1.4)
    alone = sensitivity([SizePoint(12, 1.0, None)], None)
    assert len(alone.axes[0].get_lines()) == 1 and "<svg" in style.inline_svg(alone, "label")
