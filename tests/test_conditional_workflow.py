"""Conditional generators through the workflow: trained, split, sampled, judged; and the paper's overlay, dry."""

import shutil
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
import toy
import yaml
from PIL import Image

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"chapel": 1, "house": 1, "barn": 1, "castle": 1}
CONFIG: dict[str, Any] = {
    "seed": 1,
    "report": "classes",
    "shard_size": {"images": 40, "inversions": 2},
    "sources": {
        "scenes": {"kind": "world", "count": 80, "size": 32, "scenes": KINDS},
        "held": {"kind": "world", "count": 60, "size": 32, "seed": 2, "scenes": KINDS},
        "gan": {"kind": "generator", "generator": "gan", "count": 48},
    },
    "segmenters": {},
    "classifiers": {
        "kinds": {
            "family": "resnet",
            "trained_on": "scenes",
            "validated_on": "held",
            "train": {"images": 64, "batch_size": 16, "log_interval": 32},
        }
    },
    "generators": {
        "gan": {
            "family": "acgan",
            "trained_on": "scenes",
            "splits": [[0, 2], [3, 1]],
            "train": {
                "classes": 4,
                "sizes": [8, 8, 8, 8],
                "discriminator_widths": [4, 4, 4, 4, 4, 4],
                "images": 80,
                "batch_size": 8,
                "log_interval": 40,
                "sheet_interval": 80,
            },
        }
    },
    "conditional": [{"real": "held", "generated": "gan", "classifier": "kinds"}],
    "overfit": {"samples": 8},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = toy.copy_workflow(tmp_path_factory.mktemp("classes"))
    toy.write_config(copy, CONFIG)
    toy.snakemake(copy)
    return copy


def test_one_command_trains_each_group_and_ends_in_the_page(finished: Path) -> None:
    results = finished / "results"
    assert len(list((results / "train_generator").glob("gan_split_?.safetensors"))) == 2
    page = (results / "report/classes.html").read_text()
    assert (
        'id="classes"' in page and "From one z to another" in page and "of the samples of gan show their class" in page
    )
    for stage in ("discriminate", "diversity", "overfit"):
        assert (results / stage / "gan~held.tsv").exists() and (results / "logs" / stage / "gan~held.log").exists()
    with toy.h5py.File(results / "sample/gan/0-39.h5") as file:
        assert np.bincount(file["label"][:]).tolist() == [10] * 4
    assert toy.planned(finished) == {}


@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_of_classes_fits_the_window(finished: Path, browser: chromium.Browser, width: int) -> None:
    browser.open(finished / "results/report/classes.html", width, phone=width < 500)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.errors == []


def test_another_setting_of_a_stage_runs_that_stage_and_what_reads_it(finished: Path) -> None:
    toy.write_config(finished, {"discriminate": {"subsets": 5}}, "overlay.yaml")
    jobs = toy.planned(finished, "--configfile", "overlay.yaml")
    assert jobs == {"discriminate_pair": 1, "diversity_pair": 1, "report_page": 1}
    toy.write_config(finished, {"overfit": {"samples": 4}}, "overlay.yaml")
    assert toy.planned(finished, "--configfile", "overlay.yaml") == {"overfit_pair": 1, "report_page": 1}


def test_the_papers_settings_ask_for_a_hundred_networks_of_ten_classes(tmp_path: Path) -> None:
    """A dry run on a thousand folders of one small image each."""
    copy = toy.copy_workflow(tmp_path)
    shutil.copy(ROOT / "config.yaml", copy / "config.yaml")
    overlay = yaml.safe_load((ROOT / "experiments/acgan_imagenet.yaml").read_text())
    for side in ("train", "validation"):
        for k in range(1000):
            (copy / f"imagenet/{side}/n{k:04}").mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(copy / f"imagenet/{side}/n{k:04}/0.png")
        overlay["sources"][f"imagenet_{side}"]["count"] = 1000
    for name in ("workflow/demo/segmenter.safetensors", "inception_v3.pt2"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).touch()
    toy.write_config(copy, overlay, "imagenet.yaml")
    jobs = toy.planned(copy, "--configfile", "imagenet.yaml")
    assert jobs["train_generator_weights"] == 200 and jobs["sample_shard"] == 200 and jobs["gather_shard"] == 2
    assert jobs["discriminate_pair"] == jobs["diversity_pair"] == jobs["overfit_pair"] == 2
