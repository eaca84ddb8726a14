"""Segmenters of the library transformers: labels as the library's own post-processing has them, and bad folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_segmenters as tiny
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacuna.errors import UserError
from lacuna.segmenters.described import own_names
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.transformers.files import weights_files
from lacuna.segmenters.transformers.heads import query_scores
from lacuna.segmenters.transformers.scorer import as_map

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each architecture."""
    root = tmp_path_factory.mktemp("folders")
    return {name: tiny.save(name, root / name) for name in tiny.ARCHITECTURES}


@pytest.fixture
def upernet(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A folder that a test may spoil."""
    return Path(shutil.copytree(folders["upernet"], tmp_path / "upernet"))


TIES = 1e-5  # of the largest score: sums of another order


def library_scores(name: str, folder: Path, images_NHW3: NDArray[np.uint8]) -> Tensor:
    """What the library makes of images, from preparation to the scores whose best class is the label, (N, K, H, W)."""
    kind = getattr(transformers, tiny.ARCHITECTURES[name][1])
    if name == "oneformer":  # its processor wants a file of the hub, but neither for pixels nor for labels
        prepare = transformers.SegformerImageProcessorPil.from_pretrained(folder)
        processor = kind.__new__(kind)
    else:
        prepare = processor = kind.from_pretrained(folder)
    inputs = prepare(images=list(images_NHW3), return_tensors="pt")
    network = type(tiny.network(name)).from_pretrained(folder).eval()
    more: dict[str, Any] = {key: inputs[key] for key in ("patch_offsets",) if key in inputs}
    if name == "oneformer":
        text = transformers.CLIPTokenizer.from_pretrained(folder)(
            ["the task is semantic"], padding="max_length", max_length=24, return_tensors="pt"
        )
        more["task_inputs"] = (text["input_ids"] * text["attention_mask"]).expand(len(images_NHW3), -1)
    with torch.no_grad():
        outputs = network(pixel_values=inputs["pixel_values"], **more)
    sizes = [image.shape[:2] for image in images_NHW3]
    found = processor.post_process_semantic_segmentation(outputs, sizes, return_segmentation_scores=True)
    assert all(torch.equal(one.segmentation, one.segmentation_scores.argmax(dim=0)) for one in found)
    return torch.stack([one.segmentation_scores for one in found])


def assert_labels_of(scores_NKHW: Tensor, labels_NHW: Tensor) -> None:
    """Each pixel's label is the class of its best score, or of one that equals it but for rounding."""
    assert (scores_NKHW.argmax(dim=1).flatten().bincount() > 30).sum() >= 2, "one class everywhere would pass for any"
    lost = scores_NKHW.amax(dim=1) - scores_NKHW.gather(1, labels_NHW[:, None])[:, 0]
    assert lost.max() <= TIES * scores_NKHW.abs().max()
    assert (lost > 0).double().mean() < 1e-3  # ties are rare: a blunder would show in more pixels


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_labels_are_the_librarys(folders: dict[str, Path], name: str) -> None:
    images = tiny.images(3)
    segmenter = load_segmenter("transformers", folders[name])
    scores = library_scores(name, folders[name], images)
    assert_labels_of(scores, segmenter.label_maps(images)["object"] - 1)
    alone = torch.cat([segmenter.label_maps(images[row : row + 1])["object"] for row in range(3)])
    assert_labels_of(scores, alone - 1)


@pytest.mark.parametrize("name", ["segformer", "mask2former", "upernet_swin", "mobilevit"])
def test_labels_are_the_librarys_at_another_size(folders: dict[str, Path], name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders[name], tmp_path / name))
    said = json.loads((folder / "preprocessor_config.json").read_text())
    key = "crop_size" if "crop_size" in said else "size"
    (folder / "preprocessor_config.json").write_text(json.dumps(said | {key: [96, 96], "do_resize": False}))
    images = tiny.images(2, 96, 96)
    segmenter = load_segmenter("transformers", folder)
    assert segmenter.size == 96
    assert_labels_of(library_scores(name, folder, images), segmenter.label_maps(images)["object"] - 1)


@pytest.mark.parametrize("name", ["eomt", "eomt_dinov3"])
@pytest.mark.parametrize("shape", [(64, 152), (136, 64)])
def test_windows_are_merged_as_the_library_does(folders: dict[str, Path], name: str, shape: tuple[int, int]) -> None:
    folder = folders[name]
    said = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(said | {"do_split_image": True}))
    images = tiny.images(2, *shape)
    found = load_segmenter("transformers", folder).label_maps(images)["object"] - 1
    assert_labels_of(library_scores(name, folder, images), found)


def test_names_are_those_of_the_folder_in_the_order_of_their_numbers(upernet: Path) -> None:
    images = tiny.images()
    plain = load_segmenter("transformers", upernet)
    assert plain.classes == {"object": ["-", *tiny.CLASSES]} and plain.size == tiny.SIZE
    config = json.loads((upernet / "config.json").read_text())
    config["id2label"] = dict(reversed(config["id2label"].items()))  # the order in the file says nothing
    (upernet / "config.json").write_text(json.dumps(config))
    assert load_segmenter("transformers", upernet).classes == plain.classes
    other = load_segmenter("transformers", upernet, settings={"labels": ["-", "sky", "b", "c", "c"]})
    assert other.classes == {"object": ["-", "sky", "b", "c", "c 2"]}
    assert torch.equal(other.label_maps(images)["object"], plain.label_maps(images)["object"] - 1)
    assert own_names({"id2label": {str(number): str(number) for number in (10, 9, 2)}}) == ["2", "9", "10"]


def test_a_list_of_labels_stands_in_for_names_that_say_nothing(upernet: Path, tmp_path: Path) -> None:
    config = json.loads((upernet / "config.json").read_text())
    del config["id2label"], config["label2id"]
    (upernet / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"names of classes are missing \(found none\); give `labels`"):
        load_segmenter("transformers", upernet)
    (tmp_path / "names.txt").write_text("\n".join(tiny.CLASSES))
    segmenter = load_segmenter("transformers", upernet, settings={"labels": str(tmp_path / "names.txt")})
    assert segmenter.classes["object"] == ["-", *tiny.CLASSES]
    config["id2label"] = {str(number): f"LABEL_{number}" for number in range(5)}
    (upernet / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"found LABEL_0, LABEL_1"):
        load_segmenter("transformers", upernet)


def test_pixels_reach_the_network_as_the_library_prepares_them(folders: dict[str, Path]) -> None:
    images = tiny.images()
    for name in ("upernet", "mobilevit", "beit"):
        prepared = getattr(transformers, tiny.ARCHITECTURES[name][1]).from_pretrained(folders[name])
        if name == "mobilevit":
            prepared.do_resize = False
        expected = prepared(images=list(images), return_tensors="pt")["pixel_values"]
        segmenter = load_segmenter("transformers", folders[name])
        found = segmenter.normalisation(torch.from_numpy(images).permute(0, 3, 1, 2).float())  # type: ignore[attr-defined]
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)  # float32 of values below 3


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_an_inversion_compares_by_its_backbone(folders: dict[str, Path], name: str) -> None:
    segmenter = load_segmenter("transformers", folders[name])
    x_N3HW = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    maps = segmenter.features(x_N3HW.requires_grad_())
    sides = [map_NChw.shape[-1] for map_NChw in maps]
    assert len(maps) >= 3 and sides == sorted(sides, reverse=True) and all(map_NChw.ndim == 4 for map_NChw in maps)
    torch.stack([map_NChw.square().mean() for map_NChw in maps]).sum().backward()
    assert x_N3HW.grad is not None and x_N3HW.grad.abs().max() > 0


def test_tokens_become_a_map_without_those_of_no_place() -> None:
    tokens = torch.arange(1 + 12.0).view(1, 13, 1).expand(1, 13, 2)
    assert as_map(tokens, (6, 8), 2)[0, 0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
    assert as_map(tokens[:, -4:], (6, 8), 2)[0, 0].tolist() == [[9, 10], [11, 12]]


def test_a_size_that_the_network_does_not_take_is_one_line(folders: dict[str, Path]) -> None:
    for name in ("eomt", "eomt_dinov3"):
        line = r"takes no image of 56 x 56 pixels \(its shorter side must be 64\); set the .*`size`, say to 64"
        with pytest.raises(UserError, match=line):
            load_segmenter("transformers", folders[name]).label_maps(tiny.images(1, 56, 56))


def test_only_objects_are_told(upernet: Path) -> None:
    with pytest.raises(UserError, match="asked for part, it tells objects alone"):
        load_segmenter("transformers", upernet).label_maps(tiny.images(), ("part",))


def test_a_folder_without_its_files_is_one_line(upernet: Path) -> None:
    for name, line in (
        ("model.safetensors", "no weights in it, expected model.safetensors"),
        ("preprocessor_config.json", "no preprocessor_config.json in it"),
        ("config.json", "no config.json in it"),
    ):
        (upernet / name).unlink()
        with pytest.raises(UserError, match=line):
            load_segmenter("transformers", upernet)
    with pytest.raises(UserError, match=r"no config.json in it \(found no folder\)"):
        load_segmenter("transformers", upernet / "elsewhere")


def test_a_classifier_is_refused_by_name(upernet: Path) -> None:
    config = json.loads((upernet / "config.json").read_text())
    (upernet / "config.json").write_text(json.dumps(config | {"architectures": ["ViTForImageClassification"]}))
    with pytest.raises(UserError, match="names ViTForImageClassification, expected a network that segments: Beit"):
        load_segmenter("transformers", upernet)


def test_a_backbone_without_its_head_is_refused(upernet: Path) -> None:
    weights = tiny.network("upernet").state_dict()
    kept = {key: value for key, value in weights.items() if not key.startswith("decode_head")}
    from safetensors.torch import save_file

    save_file(kept, upernet / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"weights lack \d+ of UperNet.*, first decode_head.*, which would be random"):
        load_segmenter("transformers", upernet)


def test_missing_shards_are_counted(upernet: Path) -> None:
    tiny.network("upernet").save_pretrained(upernet, max_shard_size="60KB")
    (upernet / "model.safetensors").unlink(missing_ok=True)
    shards = sorted(upernet.glob("model-*.safetensors"))
    assert len(shards) > 1
    load_segmenter("transformers", upernet)
    assert set(map(str, shards)) < set(weights_files(str(upernet)))
    shards[1].unlink()
    with pytest.raises(UserError, match=rf"1 of {len(shards)} files of weights are missing, first {shards[1].name}"):
        load_segmenter("transformers", upernet)


def test_old_checkpoints_are_read_as_weights_alone(upernet: Path, tmp_path: Path) -> None:
    images = tiny.images()
    expected = load_segmenter("transformers", upernet).label_maps(images)["object"]
    (upernet / "model.safetensors").unlink()
    torch.save(tiny.network("upernet").state_dict(), upernet / "pytorch_model.bin")
    assert torch.equal(load_segmenter("transformers", upernet).label_maps(images)["object"], expected)
    assert str(upernet / "pytorch_model.bin") in weights_files(str(upernet))


class Hostile:
    """What a pickle runs where it is not held back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_runs_code_never_does(upernet: Path, tmp_path: Path, zipped: bool) -> None:
    (upernet / "model.safetensors").unlink()
    hostile = {"weight": Hostile(tmp_path / "run")}
    torch.save(hostile, upernet / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError) as caught:
        load_segmenter("transformers", upernet)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()
    assert "not run" in str(caught.value)


def test_names_that_are_fewer_than_the_heads_channels_are_one_line(upernet: Path) -> None:
    config = json.loads((upernet / "config.json").read_text())
    del config["id2label"]["4"]
    (upernet / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        UserError, match=r"decode_head.classifier.bias is \(5,\), the names .* make it \(4,\); give `labels`"
    ):
        load_segmenter("transformers", upernet)


def test_weights_that_are_not_finite_are_named(upernet: Path) -> None:
    network = tiny.network("upernet")
    network.decode_head.classifier.bias.data[1] = float("nan")
    network.save_pretrained(upernet)
    with pytest.raises(UserError, match=r"upernet: logits of object hold NaN or infinity"):
        load_segmenter("transformers", upernet).label_maps(tiny.images())


def test_pixels_of_an_unknown_scale_or_shape_are_asked_for(upernet: Path) -> None:
    said = json.loads((upernet / "preprocessor_config.json").read_text())
    (upernet / "preprocessor_config.json").write_text(json.dumps(said | {"image_mean": None}))
    with pytest.raises(UserError, match="no image_mean and image_std of three numbers"):
        load_segmenter("transformers", upernet)
    (upernet / "preprocessor_config.json").write_text(json.dumps(said | {"size": {"height": 32, "width": 64}}))
    with pytest.raises(UserError, match="expected a square or `shortest_edge`; set the segmenter's `size`"):
        load_segmenter("transformers", upernet)
    assert load_segmenter("transformers", upernet, settings={"size": 96}).size == 96


def test_the_folder_needs_no_network(upernet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refused(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    load_segmenter("transformers", upernet).label_maps(tiny.images())


def test_sums_over_queries_are_float32_whatever_the_network_computes_in(folders: dict[str, Path]) -> None:
    images = tiny.images()
    exact = load_segmenter("transformers", folders["mask2former"]).label_maps(images)["object"]
    settings = {"precision": "bfloat16"}
    fast = load_segmenter("transformers", folders["mask2former"], settings=settings).label_maps(images)["object"]
    assert 0 < (fast != exact).double().mean() < 0.1  # 8 bits of mantissa, a random network
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = query_scores(torch.rand(12, 6), torch.rand(12, 4, 4))
    assert scores.dtype == torch.float32
