"""Two folders of images and any segmenter on the command line, to the comparison and the page."""

import json
from pathlib import Path

import numpy as np
import program_files
import pytest
import tiny_segmenters as tiny
import toy
from PIL import Image

pytest.importorskip("transformers")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository beside two folders of images, three of networks and an ONNX file with its JSON files."""
    copy = toy.copy_repository(tmp_path_factory.mktemp("segmenter"))
    for name, first in (("real", 0), ("generated", 6)):
        (copy.parent / name).mkdir()
        for number, image in enumerate(tiny.images(12)[first : first + 6]):
            Image.fromarray(image).save(copy.parent / name / f"{number}.png")
    for name in ("upernet", "mask2former", "eomt"):
        tiny.save(name, copy.parent / "my nets" / name)
    folder = copy.parent / "my nets" / "program"
    folder.mkdir()
    program_files.save_onnx(folder / "model.onnx")
    names = dict(enumerate(program_files.CLASSES))
    (folder / "config.json").write_text(json.dumps({"id2label": names}))
    (folder / "preprocessor_config.json").write_text(
        (copy.parent / "my nets/eomt/preprocessor_config.json").read_text()
    )
    return copy


def run(copy: Path, segmenter: str, *targets: str) -> str:
    overlay = ("--configfile", "experiments/folders.yaml", "--config")
    paths = (f"real={copy.parent}/real", f"generated={copy.parent}/generated")
    return toy.snakemake(copy, *targets, *overlay, *paths, f"segmenter={copy.parent}/my nets/{segmenter}")


@pytest.mark.parametrize(
    ("segmenter", "name", "classes"),
    [("upernet", "upernet", tiny.CLASSES), ("mask2former", "mask2former", tiny.CLASSES),
     ("program/model.onnx", "model_onnx", program_files.CLASSES)],
)  # fmt: skip
def test_a_folder_or_a_file_is_a_segmenter(copy: Path, segmenter: str, name: str, classes: list[str]) -> None:
    run(copy, segmenter, "fsd")
    with toy.h5py.File(copy / f"results/segment/{name}/real/0-5.h5") as file:
        assert [text.decode() for text in file["classes"][()]] == ["-", *classes]
        area_px = file["area_px"][()]
        inputs = json.loads(file.attrs["inputs"])
    assert area_px.shape == (6, 1 + len(classes)) and (area_px.sum(axis=1) == tiny.SIZE**2).all()
    assert (area_px[:, 1:].sum(axis=0) > 0).sum() >= 2 and not area_px[:, 0].any()
    assert any(str(copy.parent / "my nets" / segmenter) in path for path in inputs)
    summary = json.loads((copy / f"results/fsd/{name}/real~generated.json").read_text())
    assert np.isfinite(summary["fsd"]) and summary["resolution"]["segmented"] == tiny.SIZE


def test_the_command_ends_in_the_page(copy: Path) -> None:
    run(copy, "eomt")
    page = (copy / "results/report/folders.html").read_text()
    assert "FSD" in page and "person" in page


def test_other_weights_in_the_folder_are_another_segmenter(copy: Path) -> None:
    overlay = ("--configfile", "experiments/folders.yaml", "--config")
    words = (*overlay, f"real={copy.parent}/real", f"generated={copy.parent}/generated",
             f"segmenter={copy.parent}/my nets/eomt")  # fmt: skip
    assert toy.planned(copy, *words) == {}
    config = copy.parent / "my nets" / "eomt" / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"person"', '"people"'))
    try:
        assert toy.planned(copy, *words)["segment_shard"] == 2
    finally:
        config.write_text(text)


def test_two_segmenters_are_held_side_by_side(copy: Path) -> None:
    folder = f"{copy.parent}/my nets"
    nets = {name: {"family": "transformers", "checkpoint": f"{folder}/{name}"} for name in ("upernet", "eomt")}
    pair = {"real": "real", "generated": "generated", "segmenters": ["upernet", "eomt"]}
    toy.write_config(copy, {"report": "two", "segmenters": nets, "comparisons": [pair]}, "two.yaml")
    overlay = ("--configfile", "experiments/folders.yaml", "two.yaml", "--config")
    toy.snakemake(copy, *overlay, f"real={copy.parent}/real", f"generated={copy.parent}/generated")
    summary = json.loads((copy / "results/agreement/upernet~eomt/real~generated.json").read_text())
    assert summary["num_pairs"] == len(tiny.CLASSES) and 0 < summary["labels"]["real"]["agreement"] < 1
    assert summary["labels"]["generated"]["num_images"] == 6 and summary["single"] == {"upernet": [], "eomt": []}
    assert "They label" in (copy / "results/report/two.html").read_text()
