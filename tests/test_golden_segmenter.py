"""The published segmenter with recipe weights, against the numbers of the published code."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from golden_folder import GoldenArrays, GoldenFolder, array_names
from numpy.typing import NDArray
from torch import Tensor

from lacuna.formats import checkpoints
from lacuna.inversion.perceptual import Vgg16
from lacuna.inversion.perceptual_loading import vgg16_weights
from lacuna.segmenters.parsing import best_class, num_part_channels, part_blocks, part_labels
from lacuna.segmenters.parsing_segmenter import ParsingSegmenter
from lacuna.segmenters.upernet.model import UPerNetDecoder, resized
from lacuna.segmenters.upernet.prroi import prroi_pool
from lacuna.segmenters.upp import files as upp
from lacuna.segmenters.upp.checkpoint import published_segmenter, published_vocabulary

FILE = "b_segmenter"
TIES = 5e-4  # share of labels that may differ: ties within float error
CHECKED = r"conv\d|ppm_pool_\d+|ppm_last_conv|conv_fusion|\w+_head|prob_(object|material|part_\d+|object_top_margin)"
OTHERS = {"segs", "segs_downsample4", "object_area", "num_classes", "objects_with_parts", "part_index_flat",
          "part_index_len"}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """The segmenter of a golden folder, and what it makes of the folder's photos."""

    segmenter: ParsingSegmenter
    labels: dict[str, Any]
    tensors: dict[str, Tensor]
    maps: dict[str, Tensor]
    arrays: GoldenArrays

    def probabilities(self, name: str) -> Tensor:
        """`object`, `material` or `part_K`: of each channel at each pixel; parts within the K-th owner."""
        category, _, number = name.partition("_")
        logits = self.tensors[f"{category}_head"]
        if number:
            logits = logits[:, self.segmenter.blocks[int(number)].channels]
        return resized(logits, self.maps["object"].shape[1:]).softmax(dim=1)


@pytest.fixture(scope="module")
def published(golden: GoldenFolder) -> Published:
    return of_folder(golden)


def of_folder(golden: GoldenFolder, arrays: bool = True) -> Published:
    """What our code makes of a folder; with `arrays` beside what is stored there."""
    torch.set_num_threads(1)
    labels = upp.read_labels(golden.path / "labels.json")
    segmenter = published_segmenter(labels, golden.weights("seg_encoder"), golden.weights("seg_decoder"), "golden")
    segmenter = segmenter.ready()  # as it is used: batch norms folded
    images_NHW3 = np.stack([np.asarray(golden.photo(number)) for number in golden.meta["photos"]])
    maps = segmenter.label_maps(images_NHW3, ("object", "material", "part"))
    x_N3HW = segmenter.normalisation(torch.as_tensor(images_NHW3).permute(0, 3, 1, 2).float())
    stored = golden.arrays(FILE) if arrays else GoldenArrays({})
    return Published(segmenter, labels, tensors_of(segmenter, x_N3HW), maps, stored)


@torch.no_grad()
def tensors_of(segmenter: ParsingSegmenter, x_N3HW: Tensor) -> dict[str, Tensor]:
    """Maps and logits under the names of the golden arrays."""
    taken: dict[str, Tensor] = {}
    decoder: UPerNetDecoder = segmenter.network.decoder
    for name, layer in (("ppm_last_conv", decoder.ppm_last_conv), ("conv_fusion", decoder.conv_fusion[2])):
        layer.register_forward_hook(lambda _, __, out, name=name: taken.update({name: out}))
    maps = segmenter.network.encoder(x_N3HW)
    taken |= {f"conv{level}": found for level, found in enumerate(maps, start=2)}
    taken |= {f"ppm_pool_{bins}": prroi_pool(maps[-1], bins) for bins in (1, 2, 3, 6)}
    taken |= {f"{head}_head": logits for head, logits in decoder(maps).items()}
    return taken


@pytest.mark.golden
@pytest.mark.parametrize("name", array_names(FILE, r"conv\d|ppm_pool_\d+"))
def test_maps_of_the_encoder(published: Published, name: str) -> None:
    published.arrays.check(name, published.tensors[name], stds=1e-4)


@pytest.mark.golden
@pytest.mark.parametrize("name", array_names(FILE, r"ppm_last_conv|conv_fusion|\w+_head"))
def test_maps_and_logits_of_the_decoder(published: Published, name: str) -> None:
    published.arrays.check(name, published.tensors[name], stds=2e-4)


@pytest.mark.golden
@pytest.mark.parametrize("name", array_names(FILE, r"prob_(object|material|part_\d+)"))
def test_probabilities(published: Published, name: str) -> None:
    published.arrays.check(name, published.probabilities(name.removeprefix("prob_")), atol=5e-4)


@pytest.mark.golden
def test_margin_between_the_two_best_objects(published: Published) -> None:
    first, second = published.probabilities("object").topk(2, dim=1).values.unbind(dim=1)
    published.arrays.check("prob_object_top_margin", first - second, atol=5e-4)


# Label maps. The published code numbers objects, materials and parts in one list, a part that is an object by name
# sharing that object's number; we give each category its own list.


@dataclass(frozen=True)
class Numbering:
    """The published numbers: of our materials, of our parts, and of each part channel by owner."""

    materials: NDArray[np.int64]
    parts: NDArray[np.int64]
    channels: list[list[int]]
    count: int


def published_numbering(labels: dict[str, Any], parts: list[str]) -> Numbering:
    """The published numbers; `parts` are our names, `owner-part`."""
    numbers = {name: number for number, name in enumerate(labels["object"])}
    first = len(numbers)
    materials = [0, *range(first, first + len(labels["material"]) - 1)]
    count = first + len(labels["material"]) - 1
    for part in (part for owned in labels["object_part"].values() for part in owned):
        if part not in numbers:
            numbers[part] = count
            count += 1
    of_part = {f"{owner}-{part}": numbers[part] for owner, owned in labels["object_part"].items() for part in owned}
    channels = [[numbers[part] for part in owned] for owned in labels["object_part"].values()]
    return Numbering(np.array(materials), np.array([0, *(of_part[part] for part in parts[1:])]), channels, count)


def misplaced(labels: dict[str, Any]) -> list[int]:
    """Objects whose parts the published code decodes with another owner's channels: owners not in order of number."""
    owners = [labels["object"].index(owner) for owner in labels["object_part"]]
    return [owner for owner, right in zip(owners, sorted(owners), strict=True) if owner != right]


def in_published_numbers(published: Published, maps: dict[str, Tensor]) -> NDArray[np.int64]:
    """Label maps of objects, materials and parts: (N, 3, H, W)."""
    numbering = published_numbering(published.labels, published.segmenter.classes["part"])
    planes = (maps["object"].numpy(), numbering.materials[maps["material"]], numbering.parts[maps["part"]])
    return np.stack(planes, axis=1)


def at_a_quarter(published: Published) -> dict[str, Tensor]:
    """Label maps at a quarter of the photos' size, from the same logits."""
    logits, size = published.tensors, [side // 4 for side in published.maps["object"].shape[1:]]
    maps = {head: best_class(logits[f"{head}_head"], size) for head in ("object", "material")}
    return maps | {"part": part_labels(logits["part_head"], maps["object"], published.segmenter.blocks)}


def label_arrays(published: Published) -> dict[str, NDArray]:
    """The arrays of label maps, areas and class numbers, under the golden names."""
    segmenter, labels = published.segmenter, published.labels
    numbering = published_numbering(labels, segmenter.classes["part"])
    segs = in_published_numbers(published, published.maps)
    areas = [np.bincount(image.ravel(), minlength=len(segmenter.classes["object"])) for image in segs[:, 0]]
    return {
        "segs": segs,
        "segs_downsample4": in_published_numbers(published, at_a_quarter(published)),
        "object_area": np.stack(areas) / segs[0, 0].size,
        "num_classes": np.array(numbering.count),
        "objects_with_parts": np.array([labels["object"].index(owner) for owner in labels["object_part"]]),
        "part_index_flat": np.array([number for channels in numbering.channels for number in channels]),
        "part_index_len": np.array([len(channels) for channels in numbering.channels]),
    }


@pytest.mark.golden
@pytest.mark.parametrize("name", array_names(FILE, "segs.*"))
def test_label_maps(published: Published, name: str) -> None:
    found, expected = label_arrays(published)[name], published.arrays[name]
    assert found.shape == expected.shape
    differing = found != expected
    differing[:, 2] &= ~np.isin(found[:, 0], misplaced(published.labels))
    assert (differing.mean(axis=(0, 2, 3)) <= TIES).all(), differing.mean(axis=(0, 2, 3))


@pytest.mark.golden
def test_areas_of_the_objects(published: Published) -> None:
    published.arrays.check("object_area", label_arrays(published)["object_area"], atol=TIES)


@pytest.mark.golden
@pytest.mark.parametrize("name", array_names(FILE, "num_classes|objects_with_parts|part_index_.*"))
def test_published_numbers_of_classes(published: Published, name: str) -> None:
    assert published.arrays[name].tolist() == label_arrays(published)[name].tolist()


def test_part_channels_are_those_of_the_published_numbering(published: Published) -> None:
    numbering = published_numbering(published.labels, published.segmenter.classes["part"])
    owners = [published.labels["object"].index(owner) for owner in published.labels["object_part"]]
    expected = dict(zip(owners, numbering.channels, strict=True))
    found = {block.owner: [numbering.parts[place] for place in block.parts] for block in published.segmenter.blocks}
    assert found == expected
    assert list(found) == sorted(owners)


def test_every_stored_array_has_a_test(golden: GoldenFolder) -> None:
    assert set(array_names(FILE)) == {*array_names(FILE, CHECKED), *OTHERS}


@pytest.mark.golden
def test_perceptual_features_of_the_first_photo(golden: GoldenFolder) -> None:
    network = Vgg16()
    checkpoints.load_strict(network, vgg16_weights(golden.weights("vgg16_features_to_20")), "golden")
    with torch.no_grad():
        found = network.features(golden.photos_x()[:1])[-1]
    golden.arrays("e_optimize_residuals").check("target_vgg20", found, stds=1e-4)  # as other maps of convolutions


def test_official_labels_have_the_official_counts(golden: GoldenFolder) -> None:
    facts = json.loads((golden.path / "official_labels_facts.json").read_text())
    path = golden.path.parent / "data" / "reference" / "upp_labels.json"
    if not path.exists():
        pytest.skip(f"no official labels at {path}")
    labels = upp.read_labels(path)
    assert {category: len(labels[category]) for category in facts["counts"]} == facts["counts"]
    classes, owners = published_vocabulary(labels)
    blocks = part_blocks(classes["object"], classes["part"], owners)
    assert [block.owner for block in blocks] == facts["owner_object_index"]
    assert [len(block.parts) for block in blocks] == facts["owner_part_counts"]
    assert (len(blocks), num_part_channels(blocks)) == (facts["owners"], facts["part_channels"])
    numbering = published_numbering(labels, classes["part"])
    assert numbering.count == facts["num_classes"]
    ours = {category: len(names) for category, names in classes.items() if category != "part"}
    assert ours == {category: facts["counts"][category] for category in ours}
