"""The report: its sentences, and the page as a file."""

import base64
import html.parser
import io
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import report_results
import toy
from PIL import Image

from lacuna.areas import verdicts
from lacuna.formats import files, latex, tables
from lacuna.report import album, words
from lacuna.report.figures.style import VERDICTS
from lacuna.report.inputs import Inputs
from lacuna.report.reading import total_loss
from lacuna.report.sections.distribution import comparison as distribution
from lacuna.report.sections.distribution import overview
from lacuna.report.sections.instances import content as instances
from lacuna.report.sections.run.costs import costs
from lacuna.report.sections.training import content as training
from lacuna.report.words import ClassRow
from lacuna.stages import report

HOSTILE = "<img src=x onerror=alert(1)>'\"&{{7*7}}$^{"


def write_page(results: Path, config: dict[str, Any], *more: str) -> str:
    page = results.parent / f"{config['report']}.html"
    flags = ["--settings", json.dumps(config), "--results", str(results), "--html", str(page), "--code", "c0de"]
    report.main([*flags, *more])
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_results.build(tmp_path_factory.mktemp("a folder"), hostile=HOSTILE)


@pytest.fixture(scope="module")
def page(results: Path) -> str:
    """The page over comparisons and inversions, with a class of a hostile name."""
    return write_page(results, report_results.config(), "--files-dir", str(results.parent / "beside"))


class Outline(html.parser.HTMLParser):
    """Tags, headings, addresses and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def row(name: str, verdict: str, delta: float = 0.0, ratio: float = 1.0, **more: float) -> ClassRow:
    fields = {"low": delta - 0.05, "high": delta + 0.05, "real_presence": 0.5, "generated_presence": 0.5 * ratio} | more
    return ClassRow(
        name, "object", 2.0, 2.0 * (1 + delta), delta, presence_ratio=ratio, q_value=0.01, contribution=1.0,
        verdict=verdict, **fields,
    )  # fmt: skip


def plain(text: str) -> str:
    return re.sub(r"\s", " ", text)


def test_headline_names_the_most_reduced_and_the_most_omitted() -> None:
    rows = [row("fence", "reduced", -0.62), row("person", "omitted", -0.95, 0.1), row("sky", "kept")]
    expected = "progan draws 62 % [57, 67] less fence and leaves out people in 9 of 10 scenes that should have them."
    assert plain(words.headline("progan", "chapel", rows)) == expected


def test_headline_without_omissions_names_two_reductions() -> None:
    rows = [row("fence", "reduced", -0.3), row("sun", "reduced", -0.5)]
    expected = "progan draws 50 % [45, 55] less sun and 30 % [25, 35] less fence."
    assert plain(words.headline("progan", "chapel", rows)) == expected


def test_headline_of_one_reduction_names_what_is_drawn_too_much() -> None:
    rows = [row("car", "reduced", -0.36), row("bench", "excess", 1.85), row("sun", "excess", 0.6)]
    expected = "progan draws 36 % [31, 41] less car area and 185 % [180, 190] more bench area."
    assert plain(words.headline("progan", "chapel", rows)) == expected


def test_headline_of_an_excess_that_does_not_look_real_says_so() -> None:
    bench = replace(row("bench", "excess", 1.85), appearance="altered")
    rows = [row("fence", "reduced", -0.5), bench]
    expected = (
        "progan draws 50 % [45, 55] less fence and 185 % [180, 190] more of what is taken for bench, and it does not "
        "look like real bench."
    )
    assert plain(words.headline("progan", "chapel", rows)) == expected
    alone = plain(words.headline("progan", "chapel", [bench]))
    assert alone.endswith("than chapel, and no class clearly less; it does not look like real bench.")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([("tree", "alike"), ("sun", "undecided")], ""),
        ([("bench", "altered"), ("sky", "alike")], "What is taken for bench does not look like the real ones."),
        (
            [*((name, "altered") for name in "abcde"), ("f", "alike")],
            "What is taken for a, b, c and 2 more does not look like the real ones.",
        ),
        ([("a", "altered"), ("b", "altered")], "None of 2 classes looks like the real ones, a least of all."),
    ],
)
def test_what_does_not_look_like_itself_is_named(known: list[tuple[str, str]], expected: str) -> None:
    assert words.looks(known) == expected


def test_the_page_shows_regions_of_each_class_beside_the_verdict_on_them(page: str) -> None:
    tags = Outline(page).tags
    strips = [
        attributes["alt"]
        for tag, attributes in tags
        if tag == "img" and "random regions" in (attributes.get("alt") or "")
    ]
    assert "10 random regions of tree, real" in strips and "10 random regions of tree, generated" in strips
    assert sum("chip altered" in (attributes.get("class") or "") for _, attributes in tags) == 4
    assert (
        page.count("What is taken for tree and ") >= 2
    )  # the first claim, and that of the section; bench has a hostile name
    missing = page.count("no region of it")
    assert page.count('class="places"') == 14 and len(strips) == 28 - missing and missing >= 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([("car", 3), ("sun", 3), ("sky", 1)], "Cars and sun come short in all 3 comparisons."),
        ([("car", 2), ("sky", 0)], "Cars come short in 2 of 3 comparisons."),
        ([("sun", 2), ("sky", 0)], "Sun comes short in 2 of 3 comparisons."),
        ([("car", 1), ("sky", 1)], "No class is short in more than one of 3 comparisons."),
        ([], "No class is short in more than one of 3 comparisons."),
    ],
)
def test_several_comparisons_have_one_sentence(counts: list[tuple[str, int]], expected: str) -> None:
    assert words.short_everywhere(counts, 3) == expected


def test_distance_is_told_in_distances_of_real_images() -> None:
    summary = {"fsd_at_baseline_num": 3.2, "baseline_fsd": 0.5}
    assert distribution.apart(summary) == "Its FSD is 6.4 times that between two halves of the real images."
    assert distribution.apart({"fsd_at_baseline_num": None, "baseline_fsd": None}) == ""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "No class of progan differs from chapel beyond doubt."),
        ([row("sky", "kept")], "progan draws every class about as much as chapel does."),
        ([row("sky", "undecided"), row("car", "kept")], "No class of progan differs from chapel beyond doubt."),
        ([row("sky", "excess", 0.5)], "progan draws 50 % [45, 55] more sky than chapel, and no class clearly less."),
        ([row("sky", "excess", math.inf)], "No class of progan differs from chapel beyond doubt."),
    ],
)
def test_headline_claims_no_more_than_the_verdicts(rows: list[ClassRow], expected: str) -> None:
    assert plain(words.headline("progan", "chapel", rows)) == expected


def test_interval_over_zero_keeps_its_signs() -> None:
    assert "[\N{MINUS SIGN}15, +5]" in words.detail(row("fence", "undecided", -0.05, low=-0.15, high=0.05))


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "practically all"), (0.97, "97 of 100"), (0.9, "9 of 10"), (0.06, "1 of 10"), (0.01, "a few")],
)
def test_shares_in_words_never_round_to_all_or_none(share: float, expected: str) -> None:
    assert words.times(share) == expected


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, "0 %"), (0.001, "< 0.01 %"), (0.123, "0.12 %"), (1.26, "1.3 %"), (43.4, "43 %")]
)
def test_areas_have_two_digits_that_count(percent: float, expected: str) -> None:
    assert plain(words.area(percent)) == expected


def test_most_short_starts_with_what_is_left_out() -> None:
    rows = [row("fence", "reduced", -0.9), row("person", "omitted", -0.8), row("sky", "kept", -0.05)]
    assert [found.name for found in words.shortest(rows)] == ["person", "fence"]


def test_every_verdict_has_a_colour() -> None:
    assert set(VERDICTS) == set(verdicts.VERDICTS)


def test_distances_without_baseline_are_shown_without() -> None:
    summary = {"fsd": 3.0, "mean_term": 1.0, "covariance_term": 2.0, "baseline_fsd": None, "fsd_infinity": None}
    assert [found.name for found in distribution.distances(summary)] == ["FSD"]


def test_time_of_a_stage_is_the_sum_and_memory_the_maximum() -> None:
    jobs = [("segment", {"s": "2.5", "max_rss": "100.0"}), ("segment", {"s": "1.5", "max_rss": "NA"})]
    (cost,) = costs(jobs)
    assert (cost.jobs, cost.runtime_s, cost.longest_s, cost.memory_mb) == (2, 4.0, 2.5, 100.0)


def test_gpu_memory_comes_from_the_logs_and_images_from_the_names_of_shards(tmp_path: Path) -> None:
    for shard, seconds, memory in (("0-9", 2.0, 700), ("10-14", 3.0, 650)):
        columns = ["s", "max_rss", "cpu_time"]
        tables.write_tsv(tmp_path / f"benchmarks/segment/net/a/{shard}.tsv", columns, [[seconds, 9.0, 1.5]])
        files.write_text(
            tmp_path / f"logs/segment/net/a/{shard}.log", f"12:00:00 segment: GPU memory: at most {memory} MB"
        )
    (cost,) = costs(Inputs(toy.configuration(), tmp_path).benchmarks())
    assert (cost.gpu_mb, cost.images, cost.images_per_s, cost.cpu_s) == (700, 15, 3.0, 3.0)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.5, "0.5 s"), (48, "48 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_for_people(seconds: float, expected: str) -> None:
    assert words.duration(seconds) == expected


def test_loss_is_the_total_or_else_the_sum() -> None:
    loss = np.array([[[1.0, 2.0], [3.0, np.nan]]])
    np.testing.assert_array_equal(total_loss(loss, ["total", "pixel"]), [[1, 3]])
    np.testing.assert_array_equal(total_loss(loss, ["pixel", "perceptual"]), [[3, np.nan]])


def test_curves_show_the_columns_that_vary() -> None:
    rows = [{"step": str(step), "loss": str(5 - step), "size": "64", "note": "x"} for step in range(3)]
    assert training.series(rows) == ({"loss": ([0, 1, 2], [5, 4, 3])}, "step")


def test_page_says_what_the_pretended_generator_leaves_out(page: str) -> None:
    text = plain(Outline(page).text)
    assert re.search(r"progan draws \d+ % \[\d+, \d+\] less fence and leaves out people in practically all", text)
    assert re.search(r"Person is lost in all \d photos that show it \(the generator's own images show none\)", text)
    assert "real against real, 32 images each" in text


def test_page_names_its_inputs_and_its_costs(page: str) -> None:
    text = plain(Outline(page).text)
    assert re.search(r"render/chapel/0-63.h5\s*\d+ kB\s*0123456789abcdef\s*[0-9a-f]{16}", text)
    assert "3 min 20 s" in text
    assert "1 500 MB" in text
    assert "0.820 [0.700, 0.900], by chance 0.0100" in text


@pytest.mark.parametrize("number", [0, 1], ids=["photos", "own_images"])
def test_page_counts_what_was_lost_as_omissions_did(results: Path, page: str, number: int) -> None:
    """One definition of lost, of shown and of the noise floor: in the stage's table, on the page, in its galleries."""
    config = toy.configuration(**report_results.config())
    item = Inputs(config, results).inverted(config.inversions[number])
    losses = {loss.name: loss for loss in instances.class_losses(item)}
    ranking = {row["class"]: row for row in item.ranking if int(row["num_images"])}
    assert losses.keys() == ranking.keys()
    shown, lost = (array[item.converged_N].sum(axis=0) for array in (item.shown, item.lost))
    text = plain(Outline(page).text)
    for name, row in ranking.items():
        column = item.classes.index(name)
        counts = (losses[name].num_with, losses[name].num_lost)
        assert counts == (shown[column], lost[column]) == (int(row["num_images"]), int(row["num_lost"]))
        floor = (losses[name].floor_lost, losses[name].floor_with)
        assert floor == (int(row["num_control_lost"]), int(row["num_control"]))
        excess = " ".join(f"{float(row[end]):.2f}" for end in ("excess", "low", "high"))
        beside = f"{floor[0]} of {floor[1]} " if floor[1] else "\N{EN DASH} " if number == 0 else ""
        line = f"{name} {counts[0]} {counts[1]} of {counts[0]} {beside}{excess}".replace("-", "\N{MINUS SIGN}")
        assert re.search(r"\s+".join(map(re.escape, line.split())), re.sub(r"[\[\],]", " ", text)), line
    assert sum(losses[name].num_lost for name in losses) > 0 or number == 1


def test_what_no_image_from_a_decoder_keeps_is_said_of_a_search_alone(results: Path) -> None:
    """The pretended generator draws no person; of an autoencoder's decoder that bounds every prior above it."""
    config = toy.configuration(**report_results.config())
    item = Inputs(config, results).inverted(config.inversions[0])
    losses = instances.class_losses(item)
    number = item.classes.index("person")
    area = item.photo_areas[item.lost[:, number] & item.converged_N, number].mean()
    expected = rf"No image from this decoder keeps (.* or )?people (of this size )?\({area:.2g} %"
    decoder = replace(item, is_decoder=True, method="direct_z")
    assert re.search(expected, plain(instances.claim(decoder, losses, False)))
    assert "decoder" not in instances.claim(item, losses, False)
    assert "decoder" not in instances.claim(replace(decoder, method="direct"), losses, False)
    assert "decoder" not in instances.claim(replace(decoder, is_floor=True), losses, False)
    doubtful = [replace(loss, low=-0.1) for loss in losses]
    assert "decoder" not in instances.claim(decoder, doubtful, True)
    rarely = [replace(loss, num_with=3 * loss.num_with) for loss in losses]
    assert "decoder" not in instances.claim(decoder, rarely, False)


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ([], ""),
        ([("fence", 1.234)], "No image from this decoder keeps fences of this size (1.2 % of the area)."),
        (
            [("person", 0.5), ("sky", 2.0), ("bench", 0.34)],
            "No image from this decoder keeps people (0.5 %), sky regions (2 %) or benches (0.34 %) of these sizes.",
        ),
    ],
)
def test_a_ceiling_in_words(lost: list[tuple[str, float]], expected: str) -> None:
    assert plain(words.ceiling(lost)) == expected


def test_page_has_every_section_and_one_first_heading(page: str) -> None:
    tags = Outline(page).tags
    sections = [attributes.get("id") for tag, attributes in tags if tag == "section"]
    assert sections == ["findings", "distribution", "appearance", "instances", "training", "run"]
    assert sum(tag == "h1" for tag, _ in tags) == 1


def test_page_needs_nothing_but_itself(page: str) -> None:
    for tag, attributes in Outline(page).tags:
        for name in ("src", "href", "xlink:href", "data", "poster"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:")), (tag, address[:80])
    assert not re.search(r"@import|url\((?!#)", page)
    assert len(page) < 3e6


def test_every_picture_says_what_it_shows(page: str) -> None:
    tags = Outline(page).tags
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert pictures
    for attributes in pictures:  # a line laid over a picture shows nothing of its own
        assert attributes.get("alt") or "mark" in str(attributes.get("class"))
    charts = [attributes for tag, attributes in tags if tag == "svg" and attributes.get("aria-hidden") != "true"]
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in charts)


def test_names_from_elsewhere_stay_text(page: str) -> None:
    assert not [attributes for tag, attributes in Outline(page).tags if "onerror" in attributes]
    assert "<img src=x" not in page
    assert HOSTILE in Outline(page).text
    assert "49$^{" not in page  # nor is it a template


def test_unconverged_images_come_last_and_say_so(page: str) -> None:
    figures = [str(attributes.get("class")) for tag, attributes in Outline(page).tags if tag == "figure"]
    pending = [name == "row pending" for name in figures if name.startswith("row")]
    first = pending[: report_results.INVERTED]
    assert first == sorted(first)
    assert sum(first) == report_results.UNCONVERGED


def test_figures_and_tables_lie_beside_the_page(page: str, results: Path) -> None:
    names = {path.name for path in (results.parent / "beside").iterdir()}
    figures = {"distribution-chapel-chapel-progan-object", "contributions-chapel-chapel-progan",
               "instances-progan_chapel-chapel", "samples-chapel"}  # fmt: skip
    assert {f"{stem}.{kind}" for stem in figures for kind in ("svg", "pdf")} <= names
    written = {"distribution-chapel-chapel-progan", "distances-chapel-chapel-progan", "instances-progan_chapel-chapel",
               "accuracy-progan_chapel-progan", "costs", "across"}  # fmt: skip
    assert {f"{stem}.{kind}" for stem in written for kind in ("tsv", "tex")} <= names


def test_every_table_on_the_page_has_its_two_files(page: str, results: Path) -> None:
    stems = {kind: {path.stem for path in (results.parent / "beside").glob(f"*.{kind}")} for kind in ("tsv", "tex")}
    assert stems["tsv"] == stems["tex"]


def test_latex_holds_names_as_text_and_as_many_cells_as_columns(page: str, results: Path) -> None:
    text = (results.parent / "beside" / "distribution-chapel-chapel-progan.tex").read_text()
    assert latex.escape(HOSTILE) in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    cells = {len(re.findall(r"(?<!\\)&", line)) for line in rows}
    assert cells == {len(ClassRow.__dataclass_fields__) - 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.12345, "0.123"), (-2.5, "$-2.5$"), (3e-7, r"$3 \cdot 10^{-7}$"), (math.nan, "--"), (12345.6, "12346"),
     (math.inf, r"$\infty$"), (2000, "2000")],
)  # fmt: skip
def test_numbers_in_latex(value: float, expected: str) -> None:
    assert latex.number(value) == expected


def test_no_letter_of_a_name_is_a_command_of_latex() -> None:
    assert latex.escape(r"a\b{c}$d&e#f%g_h~i^j") == (
        r"a\textbackslash{}b\{c\}\$d\&e\#f\%g\_h\textasciitilde{}i\textasciicircum{}j"
    )


def test_many_inverted_images_lie_beside_the_page(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(album, "ALL_INSIDE", 3)
    monkeypatch.setattr(album, "FIRST_INSIDE", 2)
    page = write_page(results, report_results.config(report="many"), "--files-dir", str(results.parent / "many files"))
    tags = Outline(page).tags
    sources = [str(attributes["src"]) for tag, attributes in tags if tag == "img" and attributes.get("loading")]
    beside = [source for source in sources if not source.startswith("data:")]
    assert len(beside) == 2 * 5 * (report_results.INVERTED - 2)
    assert all((results.parent / unquote(source)).is_file() for source in beside)


def test_large_images_are_small_in_the_page_and_whole_beside_it(tmp_path: Path) -> None:
    picture = Image.new("RGB", (600, 300), (200, 10, 10))
    found = album.album(1, tmp_path / "a_files", tmp_path / "a.html")
    shown, whole = found.picture(picture, "x/0_photo", inside=True), found.whole(picture, "x/0_photo")
    with Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))) as small:
        assert small.size == (256, 128)
    with Image.open(tmp_path / whole) as large:
        assert large.size == (600, 300)
    assert album.album(1, None, tmp_path / "a.html").whole(picture, "x") == ""


def test_page_without_inversions(results: Path) -> None:
    tags = Outline(write_page(results, report_results.config(inversions=[], report="compared"))).tags
    assert [attributes.get("id") for tag, attributes in tags if tag == "section"] == [
        "findings",
        "distribution",
        "appearance",
        "run",
    ]


def test_page_without_comparisons(results: Path) -> None:
    config = report_results.config(comparisons=[], report="inverted")
    config["inversions"] = config["inversions"][:1]  # no noise floor either
    outline = Outline(write_page(results, config))
    assert "distribution" not in [attributes.get("id") for tag, attributes in outline.tags if tag == "section"]
    assert "Redrawing photos of chapel, progan_chapel loses person" in outline.text
    assert "noise floor 0 of" not in outline.text


def test_sheets_show_a_folder_of_any_images(results: Path, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (90, 70), (number, 0, 0)).save(tmp_path / f"{number}.png")
    config = report_results.config(inversions=[], report="folder")
    config["sources"]["chapel"] = {"kind": "folder", "path": str(tmp_path), "count": 3}
    assert "Contact sheet of the first 3 images of chapel" in write_page(results, config)


def test_page_of_nothing_says_so(results: Path) -> None:
    page = write_page(results, report_results.config(inversions=[], comparisons=[], report="empty"))
    assert "Nothing was compared and nothing inverted." in page


def test_of_many_comparisons_both_ends_are_shown_in_full_and_all_in_one_table(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(overview, "MOST_DETAILED", 4)
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    config = report_results.config(inversions=[], comparisons=[])
    summary = tables.read_json(folder / "fsd/chapel/chapel~progan.json")
    for number, fsd in enumerate([70, 20, 90, 30, 80, 10, 60, 50, 40]):
        name = f"snapshot_{number}"
        config["sources"][name] = config["sources"]["progan"]
        config["comparisons"].append({"real": "chapel", "generated": name, "segmenter": "chapel"})
        shutil.copytree(folder / "sample/progan", folder / "sample" / name)
        shutil.copy(folder / "fsd/chapel/chapel~progan.tsv", folder / f"fsd/chapel/chapel~{name}.tsv")
        report_results.copy_appearance(folder, name)
        tables.write_json(folder / f"fsd/chapel/chapel~{name}.json", summary | {"fsd": fsd})
    with caplog.at_level("INFO"):
        page = write_page(folder, config, "--files-dir", str(tmp_path / "beside"))
    assert "4 of 9 comparisons are shown in full" in caplog.text
    found = [str(attrs.get("id")) for tag, attrs in Outline(page).tags if tag == "article"]
    articles = [name for name in found if name.startswith("chapel-chapel-snapshot")]
    assert articles == [f"chapel-chapel-snapshot_{number}" for number in (1, 2, 4, 5)]
    assert [name for name in found if name.startswith("appearance")] == [f"appearance-{name}" for name in articles]
    ordered = tables.read_tsv(tmp_path / "beside/comparisons.tsv")
    assert [float(row["fsd"]) for row in ordered] == sorted(range(10, 100, 10))
    assert ordered[0]["generated"] == "snapshot_5" and "person" in ordered[0]["most_short"]
    assert all(f"snapshot_{number}</" in page for number in range(9)) and "All 9 comparisons" in page
    links = {attrs.get("href") for tag, attrs in Outline(page).tags if tag == "a"}
    assert {f"#{name}" for name in articles} <= links


def test_missing_result_is_named(results: Path) -> None:
    config = report_results.config(comparisons=[{"real": "chapel", "generated": "chapel", "segmenter": "chapel"}])
    with pytest.raises(OSError, match="chapel~chapel"):
        write_page(results, config)
