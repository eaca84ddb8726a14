"""Samples of a pipeline through the whole workflow, beside the scenes that its prompts are about."""

from pathlib import Path

import pipelines
import pytest
import toy

from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.formats import tables

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = toy.copy_workflow(tmp_path_factory.mktemp("toy"))
    pipelines.saved("text", copy / "my pipeline")
    config = {key: value for key, value in toy.CONFIG.items() if key not in ("truth", "follow", "inversions")}
    config["sources"] = {
        "scenes": toy.CONFIG["sources"]["scenes"],
        "held": toy.CONFIG["sources"]["held"],
        "drawn": {"kind": "generator", "generator": "pipeline", "count": 24},
    }
    config["generators"] = {
        "pipeline": {
            "family": "diffusers", "checkpoint": "my pipeline", "steps": 2, "prompts": ["two people on a lawn"] * 24,
        }
    }  # fmt: skip
    config["comparisons"] = [{"real": "scenes", "generated": "drawn", "segmenter": "net", "paired": True}]
    toy.write_config(copy, config)
    toy.snakemake(copy)
    return copy


def test_a_pipeline_is_a_source_like_any_generator(finished: Path) -> None:
    assert "FSD" in (finished / "results/report/toy.html").read_text()
    assert {path.name for path in (finished / "results/sample/drawn").iterdir()} == {"0-19.h5", "20-23.h5"}
    assert toy.planned(finished) == {}


def test_pairs_come_with_the_page(finished: Path) -> None:
    summary = tables.read_json(finished / "results/paired/net/scenes~drawn.json")
    assert (summary["num_pairs"], summary["num_unpaired"], summary["num_asking"]) == (24, 0, 24)
    rows = {row["class"]: row for row in tables.read_tsv(finished / "results/paired/net/scenes~drawn.tsv")}
    assert {name for name, row in rows.items() if row["asked"] == "24"} == {"person"}


def test_a_file_of_the_folder_that_changes_draws_the_samples_again(finished: Path) -> None:
    pipelines.edited(finished / "my pipeline/scheduler/scheduler_config.json", beta_end=0.03)
    assert toy.planned(finished)["sample_shard"] == 2


def test_only_what_answers_a_caption_is_paired() -> None:
    config = check_config(toy.CONFIG).given()
    config["comparisons"][0]["paired"] = True
    with pytest.raises(
        UserError, match=r"comparisons\.0\.paired: gan has no captions, expected samples of a generator"
    ):
        check_config(config)
