"""The workflow as a user meets it: one command to the page, then nothing to do; only what changed runs again."""

import copy as copying
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

pytestmark = pytest.mark.workflow

INVERSIONS = {"invert_shard", "evaluate_source", "omissions_source", "report_page"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workflow in which everything has run once."""
    copy = toy.copy_workflow(tmp_path_factory.mktemp("toy"))
    toy.snakemake(copy)
    return copy


def overlay(copy: Path, changes: dict[str, Any]) -> tuple[str, str]:
    toy.write_config(copy, changes, "overlay.yaml")
    return "--configfile", "overlay.yaml"


def test_one_command_ends_in_the_page(finished: Path) -> None:
    page = (finished / "results/report/toy.html").read_text()
    assert "FSD" in page
    assert "<img" in page
    logs = {path.relative_to(finished / "results/logs").parts[0] for path in (finished / "results/logs").rglob("*.log")}
    assert logs >= {
        "render",
        "train_generator",
        "follow",
        "segment",
        "moments",
        "fsd",
        "truth",
        "invert",
        "omissions",
        "report",
    }


def test_run_again_there_is_nothing_to_do(finished: Path) -> None:
    assert toy.planned(finished) == {}
    assert "Nothing to be done" in toy.snakemake(finished)


def test_snakemakes_own_report_has_captions_and_categories(finished: Path) -> None:
    toy.snakemake(finished, "--report", "own.zip")
    with zipfile.ZipFile(finished / "own.zip") as archive:
        page = archive.read("own/report.html").decode()
        names = {Path(name).name for name in archive.namelist()}
    for category in ("Page", "Figures for papers", "Distribution", "Instances"):
        assert f'"{category}"' in page
    assert "what two halves of the real images are apart" in page
    assert {"toy.html", "scenes~gan.tsv", "scenes.classes.tsv", "distribution-net-scenes-gan-object.svg"} <= names


def test_every_stage_is_a_target(finished: Path) -> None:
    rules = (finished / "Snakefile").read_text()
    stages = re.findall(r"rules/(\w+)\.smk", rules)
    targets = [stage for stage in stages if stage not in ("common", "failures", "stages")]
    assert len(targets) >= 12
    for stage in targets:
        assert (finished / f"workflow/lacuna/stages/{stage}.py").exists(), stage
    assert toy.planned(finished, *targets) == {}


def test_touched_files_rerun_nothing(finished: Path) -> None:
    for path in finished.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert toy.planned(finished) == {}


def test_equal_settings_in_another_order_rerun_nothing(finished: Path) -> None:
    def reverse(value: Any) -> Any:
        return {key: reverse(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    assert toy.planned(finished, *overlay(finished, reverse(toy.CONFIG))) == {}


def test_more_images_run_only_the_new_shards_and_what_follows(finished: Path) -> None:
    more = {"sources": {"gan": {"kind": "generator", "generator": "gan", "count": 60}}}
    jobs = toy.planned(finished, *overlay(finished, more))
    once = ("sample_shard", "segment_shard", "moments_source", "fsd_pair", "appearance_pair", "truth_source")
    assert jobs == dict.fromkeys([*once, "report_page"], 1)


def test_a_partial_last_shard_is_replaced_when_more_images_are_asked_for(finished: Path) -> None:
    more = {"sources": {"gan": {"kind": "generator", "generator": "gan", "count": 45}}}
    jobs = toy.planned(finished, *overlay(finished, more))
    assert jobs["sample_shard"] == 1
    assert jobs["segment_shard"] == 1


def test_one_more_inverted_image_inverts_one_shard(finished: Path) -> None:
    more = copying.deepcopy(toy.CONFIG["inversions"])
    more[0]["count"] = 4
    jobs = toy.planned(finished, *overlay(finished, {"inversions": more}))
    assert jobs["invert_shard"] == 1
    assert set(jobs) == INVERSIONS


def test_another_fsd_setting_runs_only_fsd_and_report(finished: Path) -> None:
    jobs = toy.planned(finished, *overlay(finished, {"fsd": {"resamples": 90}}))
    assert jobs == {"fsd_pair": 1, "truth_source": 1, "report_page": 1}


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("areas/frechet.py", {"fsd_pair", "appearance_pair", "truth_source", "follow_generator", "report_page"}),
        ("stages/omissions.py", {"omissions_source", "report_page"}),
        ("stages/report.py", {"report_page"}),
        (
            "stages/sample.py",
            {"sample_shard", "segment_shard", "moments_source", "fsd_pair", "appearance_pair", "truth_source"}
            | INVERSIONS,
        ),
    ],
)
def test_an_edited_module_reruns_exactly_the_stages_that_import_it(
    finished: Path, module: str, stages: set[str]
) -> None:
    path = finished / "workflow/lacuna" / module
    before = path.read_text()
    path.write_text(before + "\nEDITED = True\n")
    try:
        assert set(toy.planned(finished)) == stages
        path.write_text(before + "\n# a remark\n")
        assert toy.planned(finished) == {}
    finally:
        path.write_text(before)


def test_the_same_image_whatever_the_count(finished: Path) -> None:
    with toy.h5py.File(finished / "results/sample/gan/0-19.h5") as file:
        before = file["images"][:5]
    fewer = finished.parent / "fewer copy"
    shutil.copytree(finished, fewer, ignore=shutil.ignore_patterns("sample"))
    changes = {"sources": {"gan": {"kind": "generator", "generator": "gan", "count": 5}}, "inversions": []}
    toy.snakemake(fewer, "sample", *overlay(fewer, changes))
    with toy.h5py.File(fewer / "results/sample/gan/0-4.h5") as file:
        assert np.array_equal(file["images"][:], before)


# Logs by which a test sees that a stage is at work, and how long it lets it work before it kills everything.
STAGES = [
    ("render/scenes/0-19.log", 0.5),
    ("train_segmenter/net.log", 5.0),
    ("train_generator/gan.log", 4.0),
    ("sample/gan/*.log", 0.5),
    ("segment/net/gan/*.log", 2.0),
    ("train_encoder/gan/layer_1.log", 3.0),
    ("train_encoder/gan/encoder.log", 3.0),
    ("invert/layered_r/gan/*/*.log", 3.0),
    ("fsd/net/*.log", 0.5),
    ("omissions/gan/*.log", 2.0),
    ("report/toy.log", 1.0),
]


def test_killed_in_every_stage_it_goes_on_to_the_same_arrays(finished: Path, tmp_path: Path) -> None:
    """kill -9 of the whole run in each stage, unlock, the same command; nothing half written, arrays byte-equal."""
    copy = toy.copy_workflow(tmp_path)
    killed = []
    for log, delay in STAGES:
        if toy.kill_when(copy, Path("results/logs") / log, delay=delay):
            killed.append(log)
            toy.snakemake(copy, "--unlock")
    toy.snakemake(copy)
    assert len(killed) >= 5, killed
    expected, found = toy.arrays(finished), toy.arrays(copy)
    expected = {name: array for name, array in expected.items() if name in found or "/40-" not in name}
    assert found.keys() == expected.keys()
    different = [name for name in expected if not np.array_equal(expected[name], found[name])]
    assert different == []
