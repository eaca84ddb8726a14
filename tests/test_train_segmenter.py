"""The segmenter's training: data, losses and scores in closed form; what the stage leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch
import training_cases

from lacuna.formats import images
from lacuna.formats.images import ImageShards
from lacuna.runtime.provenance import Provenance
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.parsing import part_blocks
from lacuna.segmenters.upernet.losses import ParsingLoss, class_weights, intersection_over_union
from lacuna.segmenters.upernet.training import read_batch
from lacuna.training.judged import confusion, one_cycle
from lacuna.training.labelled import LabelledBatch, rows_of_step, varied
from lacuna.world import VOCABULARY


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 rendered scenes in two shards."""
    return training_cases.scenes(tmp_path_factory.mktemp("some scenes"))


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of an uninterrupted toy training."""
    return training_cases.segmenter(scenes, tmp_path_factory.mktemp("trained")) / "net.safetensors"


def test_weights_say_all_about_themselves(scenes: Path, trained: Path) -> None:
    segmenter = load_segmenter("upernet", trained)
    assert {name: tuple(classes) for name, classes in segmenter.classes.items()} == VOCABULARY
    assert segmenter.size == 32
    with ImageShards([scenes / "0-15.h5"]) as shard:
        images = shard.read("images", slice(0, 2))
    labels = segmenter.label_maps(images, ("object", "part", "material", "scene"))
    assert {head: tuple(found.shape) for head, found in labels.items()} == {
        "object": (2, 32, 32), "part": (2, 32, 32), "material": (2, 32, 32), "scene": (2,),
    }  # fmt: skip
    maps = segmenter.features(torch.zeros(1, 3, 32, 32, requires_grad=True))
    assert [tuple(level.shape[1:]) for level in maps] == [(4, 16, 16), (4, 8, 8), (8, 4, 4), (8, 2, 2)]
    assert all(level.requires_grad for level in maps)


def test_the_card_names_every_class_that_occurs(scenes: Path, trained: Path) -> None:
    card = trained.with_suffix(".md").read_text()
    with ImageShards([scenes / "0-15.h5"]) as shard:
        present = np.unique(shard.read("labels_object", slice(None)))
    for place in present:
        assert f"\n| {VOCABULARY['object'][place]} | 0." in card
    assert "scene accuracy" in card and "56 images seen" in card
    assert "python -m lacuna.stages.train_segmenter --images" in card and "--seed 1" in card


def test_unlabelled_images_are_one_clear_line(scenes: Path, tmp_path: Path) -> None:
    for first, last in [(0, 15), (16, 23)]:
        count = last - first + 1
        black, index = np.zeros((count, 32, 32, 3), np.uint8), np.arange(first, last + 1)
        images.write(tmp_path / f"{first}-{last}.h5", black, index, Provenance("sample", "c"))
    with pytest.raises(ValueError, match="no array 'label' in its shards; train on a source of kind world"):
        training_cases.segmenter(tmp_path, tmp_path)


def test_an_epoch_goes_through_every_image_once() -> None:
    for epoch in range(2):
        rows = np.concatenate([rows_of_step(1, step, 16, 48) for step in range(3 * epoch, 3 * epoch + 3)])
        assert sorted(rows) == list(range(48))
    assert rows_of_step(1, 0, 16, 48).tolist() != rows_of_step(1, 3, 16, 48).tolist()
    assert len(rows_of_step(1, 7, 10, 23)) == 10


def test_varied_images_keep_their_labels(scenes: Path) -> None:
    with ImageShards([scenes / "0-15.h5"]) as shard:
        batch = read_batch(shard, slice(0, 16))
    sky_N1HW = torch.where(batch.labels["object"][:, None] == 1, 1.0, -1.0)
    marked = LabelledBatch(sky_N1HW.expand(-1, 3, -1, -1), batch.labels)
    found = varied(marked, torch.Generator().manual_seed(1))
    agree = ((found.x_N3HW.mean(dim=1) > 0) == (found.labels["object"] == 1)).float().mean()
    assert agree > 0.97  # blur moves some pixels at edges across the threshold
    mirrored = [bool((a != b).any()) for a, b in zip(found.labels["object"], batch.labels["object"], strict=True)]
    assert 0 < sum(mirrored) < 16
    assert found.x_N3HW.abs().max() <= 1


def test_a_part_is_learnt_within_its_owner_only() -> None:
    blocks = part_blocks(["-", "a", "b"], ["-", "a-x", "b-x", "b-y"], {"a-x": "a", "b-x": "b", "b-y": "b"})
    weights = {"object": 0.0, "part": 1.0, "material": 0.0, "scene": 0.0}
    loss = ParsingLoss(blocks, 3, 4, weights, {})
    part = torch.zeros(1, 5, 1, 2, requires_grad=True)
    logits = {"part": part, "object": torch.zeros(1, 3, 1, 2), "material": torch.zeros(1, 2, 1, 2),
              "scene": torch.zeros(1, 2, 1, 1)}  # fmt: skip
    labels = {"object": torch.tensor([[[2, 0]]]), "part": torch.tensor([[[3, 0]]]),
              "material": torch.zeros(1, 1, 2).long(), "scene": torch.zeros(1).long()}  # fmt: skip
    found = loss(logits, labels)["part"]
    assert float(found.detach()) == pytest.approx(np.log(3))  # b's three channels, alike; '-' does not count
    found.backward()
    assert part.grad is not None
    expected = [[0, 0], [0, 0], [1 / 3, 0], [1 / 3, 0], [-2 / 3, 0]]
    np.testing.assert_allclose(part.grad[0, :, 0], expected, atol=1e-6)


def test_iou_in_closed_form() -> None:
    table = confusion(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 1]), 3)
    assert table.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    np.testing.assert_allclose(intersection_over_union(table), [1 / 2, 2 / 3, np.nan])


def test_class_weights_average_to_one_over_the_pixels() -> None:
    pixels = np.array([800, 190, 10, 0])
    for power in (0.0, 0.25, 1.0):
        weights = class_weights(pixels, power).numpy()
        assert (weights[:3] * pixels[:3] / 1000).sum() == pytest.approx(1)
        assert weights[3] == 1
    assert (class_weights(pixels, 0.0) == 1).all()
    assert class_weights(pixels, 1.0)[2] == pytest.approx(80 * float(class_weights(pixels, 1.0)[0]))


def test_learning_rate_rises_and_falls_to_nothing() -> None:
    rates = [one_cycle(progress, 2.0) for progress in (0, 0.025, 0.05, 0.525, 1)]
    np.testing.assert_allclose(rates, [0, 1, 2, 1, 0], atol=1e-12)
