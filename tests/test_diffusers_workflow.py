"""Samples of a pipeline through the whole workflow, beside the scenes that its prompts are about."""

from pathlib import Path

import pipelines
import pytest
import toy
from PIL import Image

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


def test_captions_of_a_file_name_the_photos_that_are_answered(finished: Path) -> None:
    (finished / "photos/b").mkdir(parents=True)
    for number, name in enumerate(("b/z.png", "a.png", "c.png")):
        Image.new("RGB", (40, 40), (number, 90, 160)).save(finished / "photos" / name)
    (finished / "captions.csv").write_text("file,prompt\nc.png,a tree\nb/z.png,a sun\nother.png,a car\n")
    changes = {
        "sources": {
            "photos": {"kind": "folder", "path": "photos"},
            "answers": {"kind": "generator", "generator": "captioned", "count": 3},
        },
        "generators": {
            "captioned": {"family": "diffusers", "checkpoint": "my pipeline", "steps": 2, "prompts": "captions.csv"}
        },
        "comparisons": [{"real": "photos", "generated": "answers", "segmenter": "net", "paired": True}],
    }
    toy.write_config(finished, changes, "captions.yaml")
    words = ("paired", "--configfile", "captions.yaml")
    toy.snakemake(finished, *words)
    summary = tables.read_json(finished / "results/paired/net/photos~answers.json")
    assert (summary["num_pairs"], summary["num_unpaired"], summary["num_asking"]) == (2, 1, 2)
    (finished / "captions.csv").write_text("file,prompt\nc.png,a tree\nb/z.png,a moon\nother.png,a car\n")
    assert toy.planned(finished, *words) == {"sample_shard": 1, "segment_shard": 1, "paired_pair": 1}


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
