"""`lacuna.compare`: the numbers of the workflow, of whatever holds images."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy
from numpy.typing import NDArray
from PIL import Image

import lacuna
from lacuna.errors import UserError
from lacuna.front import given
from lacuna.stages.render import world_from

COUNT = 24
WORLD = {"size": 32, "scale": {}, "scenes": {}, "palette": "day"}
WEIGHTS = toy.ROOT / "workflow/demo/segmenter.safetensors"
FSD = {"resamples": 20, "permutations": 99}
FAST: dict[str, Any] = {"fsd": FSD, "segment": {"size": 32}, "threads": 1}


@pytest.fixture(scope="module")
def images() -> dict[str, NDArray[np.uint8]]:
    worlds = {"real": world_from({**WORLD, "omit": []}, 1), "generated": world_from({**WORLD, "omit": ["person"]}, 2)}
    return {side: np.stack([world.scene(i).image for i in range(COUNT)]) for side, world in worlds.items()}


@pytest.fixture(scope="module")
def arrays(images: dict[str, NDArray[np.uint8]]) -> lacuna.Comparison:
    return lacuna.compare(images["real"], images["generated"], WEIGHTS, **FAST)


def without(summary: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name not in names}


def test_the_numbers_are_at_hand(arrays: lacuna.Comparison) -> None:
    assert arrays.fsd == arrays.summary["fsd"] > 0
    rows = {row["class"]: row for row in arrays.classes}
    assert rows["person"]["generated_area"] < rows["person"]["real_area"]
    assert {row["verdict"] for row in arrays.changed} <= {"omitted", "reduced", "excess"}
    table = arrays.to_pandas()
    assert list(table.columns) == list(arrays.classes[0]) and len(table) == len(rows)


def test_a_notebook_and_a_shell_show_the_distance(arrays: lacuna.Comparison, tmp_path: Path) -> None:
    assert f"FSD {arrays.fsd:.4g}" in arrays._repr_html_() and str(arrays).startswith(f"FSD {arrays.fsd:.4g}")
    page = arrays.save_report(tmp_path / "page.html").read_text()
    assert "<html" in page and "FSD" in page


def in_batches(images_NHW3: NDArray[np.uint8]) -> Iterator[torch.Tensor]:
    for batch in np.array_split(images_NHW3, 5):
        yield torch.from_numpy(batch).permute(0, 3, 1, 2) / 255


@pytest.mark.parametrize("form", ["batches of tensors", "zip of PNG", "keys of a source"])
def test_any_form_of_the_same_images_gives_the_same_numbers(
    arrays: lacuna.Comparison, images: dict[str, NDArray[np.uint8]], form: str, tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for number, image in enumerate(images["real"]):
        Image.fromarray(image).save(folder / f"{number:03d}.png")
    shutil.make_archive(str(tmp_path / "real"), "zip", folder)
    real = {
        "batches of tensors": in_batches(images["real"]),
        "zip of PNG": tmp_path / "real.zip",
        "keys of a source": {"path": str(folder), "count": COUNT},
    }[form]
    found = lacuna.compare(real, images["generated"], WEIGHTS, **FAST)
    assert without(found.summary, "images") == without(arrays.summary, "images")
    assert found.classes_path.read_bytes() == arrays.classes_path.read_bytes()


@pytest.mark.workflow
def test_bytes_are_those_that_the_workflow_writes(images: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    for side, rows in images.items():
        np.save(tmp_path / f"{side}.npy", rows)
    found = lacuna.compare(*(tmp_path / f"{side}.npy" for side in images), WEIGHTS, threads=1, fsd=FSD)
    config = {
        "seed": 1,
        "report": "same",
        "sources": {side: {"kind": "folder", "path": f"{side}.npy"} for side in images},
        "segmenters": {"net": {"family": "upernet", "checkpoint": str(WEIGHTS)}},
        "comparisons": [{"real": "real", "generated": "generated"}],
        "fsd": FSD,
    }
    toy.write_config(tmp_path, config)
    toy.snakemake(tmp_path, "fsd", "--snakefile", str(toy.ROOT / "Snakefile"), "--cores", "1")
    written = tmp_path / "results/fsd/net/real~generated.json"
    assert written.read_bytes() == found.summary_path.read_bytes()
    assert written.with_suffix(".tsv").read_bytes() == found.classes_path.read_bytes()


def test_results_are_kept_where_a_folder_is_named_and_nowhere_else(
    images: dict[str, NDArray[np.uint8]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = lacuna.compare(images["real"][:4], images["generated"][:4], WEIGHTS, folder="kept", fsd=FSD)
    assert json.loads(kept.summary_path.read_text())["fsd"] == kept.fsd
    gone = lacuna.compare(images["real"][:4], images["generated"][:4], WEIGHTS, fsd=FSD)
    place = gone.results
    del gone
    assert not place.exists() and [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_callers_torch_is_left_as_it_was(images: dict[str, NDArray[np.uint8]]) -> None:
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.fp32_precision
    lacuna.compare(images["real"][:4], images["generated"][:4], WEIGHTS, threads=before[0] + 1, fsd=FSD)
    assert before == (
        torch.get_num_threads(), torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.fp32_precision,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (torch.full((2, 3, 8, 8), -1.0), "real: found float32 (2, 3, 8, 8) with values from -1 to -1, expected floats"),
        (np.zeros((2, 8, 8), np.uint8), "real: found uint8 (1, 2, 8, 8), expected RGB images"),
        ([np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 9, 9, 3), np.uint8)], "expected one size"),
        ([], "real: found no image"),
        ({"kind": "world", "count": 3}, "real: found kind 'world', expected one of folder, lsun, table"),
        ("no/such/folder", "no/such/folder"),
    ],
)
def test_what_is_no_image_is_one_line(wrong: Any, line: str, images: dict[str, NDArray[np.uint8]]) -> None:
    with pytest.raises(UserError) as raised:
        lacuna.compare(wrong, images["generated"], WEIGHTS)
    assert line in str(raised.value)


def test_floats_are_rounded_as_they_are_meant() -> None:
    every = torch.arange(256, dtype=torch.uint8).repeat(3).reshape(1, 16, 16, 3)
    assert torch.equal(given.uint8(every.float() / 255), every)
    assert torch.equal(given.uint8((every.float() / 255).permute(0, 3, 1, 2)), every)
