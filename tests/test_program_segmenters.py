"""Segmenters in ONNX files and exported programs: labels of a network that is known, and forms stated wrongly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from program_files import CLASSES, SIZE, Convolution, save_exported, save_onnx
from torch import Tensor
from torch.nn import functional

from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.segmenters.loading import load_segmenter

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
ENTRY: dict[str, Any] = {"labels": CLASSES, "size": SIZE, "layout": "NCHW", "channels": "RGB", "highest": 1,
                         "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}  # fmt: skip


def images(count: int = 3, size: int = SIZE) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def expected(images_NHW3: NDArray[np.uint8], labels: bool = False, swapped: bool = False) -> Tensor:
    """Labels of the network itself, with '-' as class 0."""
    x = torch.from_numpy(images_NHW3).permute(0, 3, 1, 2).float() / 255
    x = x.flip(1) if swapped else x
    x = (x - torch.tensor(ENTRY["mean"]).view(3, 1, 1)) / torch.tensor(ENTRY["std"]).view(3, 1, 1)
    with torch.no_grad():
        found = Convolution(labels=labels)(x)
    return 1 + (found if labels else functional.interpolate(found, size=x.shape[2:], mode="bilinear").argmax(dim=1))


def assert_equal_but_at_ties(found: Tensor, wanted: Tensor) -> None:
    assert len(wanted.unique()) == len(CLASSES)
    assert (found != wanted).double().mean() < 1e-3  # float32 of another runtime


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("batch", ["n", 1])
def test_an_onnx_file_labels_as_its_network(tmp_path: Path, batch: str | int, count: int) -> None:
    path = save_onnx(tmp_path / "net.onnx", (batch, 3, SIZE, SIZE))
    segmenter = load_segmenter("onnx", path, settings=ENTRY)
    assert segmenter.classes == {"object": ["-", *CLASSES]} and segmenter.size == SIZE
    assert_equal_but_at_ties(segmenter.label_maps(images(count))["object"], expected(images(count)))


def test_layout_colours_and_scale_are_as_stated(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "net.onnx", ("n", SIZE, SIZE, 3))
    segmenter = load_segmenter("onnx", path, settings=ENTRY | {"layout": "NHWC", "channels": "BGR"})
    assert_equal_but_at_ties(segmenter.label_maps(images())["object"], expected(images(), swapped=True))
    in_bytes = {"highest": 255, "mean": [127.5, 102, 76.5], "std": [51, 63.75, 76.5]}
    segmenter = load_segmenter("onnx", path, settings=ENTRY | {"layout": "NHWC"} | in_bytes)
    assert_equal_but_at_ties(segmenter.label_maps(images())["object"], expected(images()))


def test_labels_may_come_in_place_of_scores(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "net.onnx", ("n", 3, "h", "w"), labels=True)
    found = load_segmenter("onnx", path, settings=ENTRY).label_maps(images())["object"]
    assert_equal_but_at_ties(found, expected(images(), labels=True))
    few = load_segmenter("onnx", path, settings=ENTRY | {"labels": CLASSES[:2]})
    with pytest.raises(UserError, match="labels from 0 to 2, its names are 2; give `labels`"):
        few.label_maps(images())


@pytest.mark.parametrize("dynamic", [True, False])
def test_an_exported_program_labels_as_its_network(tmp_path: Path, dynamic: bool) -> None:
    path = save_exported(tmp_path / "net.pt2", dynamic=dynamic)
    found = load_segmenter("exported", path, settings=ENTRY).label_maps(images())["object"]
    assert_equal_but_at_ties(found, expected(images()))


@pytest.mark.parametrize(
    ("shape", "settings", "line"),
    [
        (("n", SIZE, SIZE, 3), {}, "axis 1 of its input is 64, not the 3 colours; set layout: NHWC"),
        (("n", 3, SIZE, SIZE), {"layout": "NHWC"}, "axis 3 of its input is 64, not the 3 colours; set layout: NCHW"),
        (("n", 3, SIZE, SIZE), {"size": 96}, "axis 2 of its input is 64, the segmenter's size 96; set size: 64"),
        ((4, 3, SIZE, SIZE), {}, "axis 0 of its input is 4 images, expected 1 or any"),
    ],
)
def test_a_wrong_guess_ends_in_a_line_that_names_the_axis(
    tmp_path: Path, shape: tuple[Any, ...], settings: dict[str, Any], line: str
) -> None:
    path = save_onnx(tmp_path / "net.onnx", shape)
    with pytest.raises(UserError, match=line):
        load_segmenter("onnx", path, settings=ENTRY | settings)


def test_a_wrong_guess_about_an_exported_program_does_too(tmp_path: Path) -> None:
    path = save_exported(tmp_path / "net.pt2", layout="NHWC")
    with pytest.raises(UserError, match="axis 1 of its input is 64, not the 3 colours; set layout: NHWC"):
        load_segmenter("exported", path, settings=ENTRY)
    found = load_segmenter("exported", path, settings=ENTRY | {"layout": "NHWC"}).label_maps(images())["object"]
    assert_equal_but_at_ties(found, expected(images()))


def test_names_for_fewer_classes_than_channels_name_the_axis(tmp_path: Path) -> None:
    segmenter = load_segmenter("onnx", save_onnx(tmp_path / "net.onnx"), settings=ENTRY | {"labels": CLASSES[:2]})
    with pytest.raises(UserError, match=r"logits of shape \(1, 3, 32, 32\), axis 1 is 3, names of classes are 2"):
        segmenter.label_maps(images())


def test_a_size_that_a_free_axis_hides_is_found_at_the_first_image(tmp_path: Path) -> None:
    segmenter = load_segmenter("onnx", save_onnx(tmp_path / "net.onnx"), settings=ENTRY)
    with pytest.raises(UserError, match=r"takes no image of 32 x 32 pixels .*set the segmenter's `size`, say to 64"):
        segmenter.label_maps(images(size=32))


def test_files_that_onnxruntime_does_not_open_are_one_line(tmp_path: Path) -> None:
    newer = save_onnx(tmp_path / "newer.onnx", opset=99)
    with pytest.raises(UserError, match=r"newer.onnx: onnxruntime [\d.]+ does not open it \(.*opset.*\); export"):
        load_segmenter("onnx", newer, settings=ENTRY)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"<html>sign in</html>")
    with pytest.raises(UserError, match=r"broken.onnx: onnxruntime .* does not open it"):
        load_segmenter("onnx", broken, settings=ENTRY)
    with pytest.raises(FileNotFoundError, match="no such ONNX file"):
        load_segmenter("onnx", tmp_path / "none.onnx", settings=ENTRY)
    with pytest.raises(UserError, match="not a readable exported program"):
        load_segmenter("exported", broken, settings=ENTRY)


def test_it_has_no_features_and_says_so(tmp_path: Path) -> None:
    segmenter = load_segmenter("onnx", save_onnx(tmp_path / "net.onnx"), settings=ENTRY)
    with pytest.raises(UserError, match="has no features that an inversion could compare by; name another network"):
        segmenter.features(torch.zeros(1, 3, SIZE, SIZE))


def test_objects_that_count_as_one(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "net.onnx")
    plain = load_segmenter("onnx", path, settings=ENTRY).label_maps(images())["object"]
    both = load_segmenter("onnx", path, settings=ENTRY | {"merge": {"outside": ["sky", "tree"]}})
    assert both.classes["object"] == ["-", "wall", "outside"]
    assert torch.equal(both.label_maps(images())["object"], plain.clamp(max=2))
    rest = load_segmenter("onnx", path, settings=ENTRY | {"merge": {"sky": ["sky"], "-": ["*"]}})
    assert rest.classes["object"] == ["-", "sky"]
    assert torch.equal(rest.label_maps(images())["object"], (plain == 2).long())


@pytest.mark.parametrize(
    ("merge", "line"),
    [
        ({"plant": ["treee"]}, "merge.plant: found 'treee', none of the segmenter's objects; did you mean 'tree'?"),
        ({"a": ["tree"], "b": ["tree"]}, "merge.b: 'tree' is in 'a' too, expected it in one list"),
        ({"sky": ["tree"], "air": ["sky"]}, "merge.sky: 'sky' is an object that goes elsewhere"),
    ],
)
def test_lists_that_do_not_fit_the_vocabulary_are_named(tmp_path: Path, merge: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line.replace("?", r"\?")):
        load_segmenter("onnx", save_onnx(tmp_path / "net.onnx"), settings=ENTRY | {"merge": merge})


def test_a_program_that_was_downloaded_is_not_loaded() -> None:
    entry = {"family": "exported", "checkpoint": "resources/net.pt2", "labels": CLASSES, "size": SIZE}
    with pytest.raises(UserError, match=r"segmenters.net.checkpoint: found 'resources/net.pt2', a downloaded file"):
        check_config({"seed": 1, "report": "r", "sources": {}, "segmenters": {"net": entry}})
