import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from inversion_case import TINY_CLASSES, StubSegmenter, make_inversions
from PIL import Image
from scipy.stats import norm

from lacuna.areas.omissions import (
    Omission,
    class_areas,
    class_omissions,
    is_lost,
    lost_areas,
    most_is_lost,
    rank_images,
)
from lacuna.formats import inversions, tables
from lacuna.formats import omissions as maps
from lacuna.inversion.labels import lost_mask
from lacuna.report.figures.omission_gallery import GAP, SIDE, TITLES
from lacuna.report.figures.segmentations import EDGE
from lacuna.runtime.provenance import Provenance
from lacuna.stages import omissions

PHOTO = np.array([[[1, 1], [2, 0]], [[2, 2], [2, 2]]], dtype=np.uint16)
RECONSTRUCTION = np.array([[[1, 2], [2, 1]], [[1, 1], [1, 2]]], dtype=np.uint16)


def row(index, name, lost, converged=True, floor=float("nan"), photo=50.0):
    return Omission(index, name, photo, photo - lost, lost, converged, floor)


def test_areas_are_percent_of_the_image():
    assert class_areas(PHOTO, 3).tolist() == [[25, 50, 25], [0, 0, 100]]


def test_lost_is_what_the_photo_has_and_the_reconstruction_has_not_at_that_place():
    assert lost_areas(PHOTO, RECONSTRUCTION, 3).tolist() == [[25, 25, 0], [0, 0, 75]]
    assert lost_mask(PHOTO, RECONSTRUCTION).tolist() == [
        [[False, True], [False, False]],
        [[True, True], [True, False]],
    ]


def test_equal_label_maps_lose_nothing():
    assert not lost_areas(PHOTO, PHOTO, 3).any()


def test_a_row_for_every_class_that_either_shows_but_nothing():
    found = omissions.omissions(
        PHOTO, RECONSTRUCTION, np.array([7, 9]), np.array([True, False]), TINY_CLASSES, {"tree": 5.0}
    )
    assert [(entry.index, entry.name, entry.lost_area, entry.converged) for entry in found] == [
        (7, "sky", 25, True), (7, "tree", 0, True), (9, "sky", 0, False), (9, "tree", 75, False),
    ]  # fmt: skip
    assert found[1].noise_floor == 5
    assert np.isnan(found[0].noise_floor)


def test_images_are_ranked_by_loss_and_the_unconverged_apart():
    rows = [
        row(0, "tree", 1),
        row(1, "tree", 9, converged=False),
        row(2, "tree", 5),
        row(3, "sky", 8),
        row(4, "tree", 0, photo=0),
    ]
    assert [entry.index for entry in rank_images(rows, "tree")] == [2, 0, 1]


def test_classes_are_ranked_by_what_is_lost_above_the_noise_floor():
    rows = [row(0, "sky", 10), row(0, "tree", 4), row(1, "tree", 2), row(2, "tree", 49, converged=False)]
    control = [row(0, "sky", 8), row(1, "sky", 10), row(2, "sky", 49, converged=False), row(3, "sky", 0, photo=0.1)]
    tree, sky = class_omissions(rows, control, 0.25, 0.95, seed_of=len)
    assert (tree.name, tree.num_images, tree.num_unconverged, tree.excess) == ("tree", 2, 1, 3.0)
    assert (sky.name, sky.num_control, sky.noise_floor, sky.excess) == ("sky", 2, 9.0, 1.0)
    assert np.isnan(tree.noise_floor)
    assert 2 <= tree.low <= tree.high <= 4  # no resample of two images leaves their range
    assert 0 <= sky.low <= sky.high <= 2


def test_the_noise_floor_is_one_number_wherever_it_stands(run, tmp_path):
    """Own samples that hardly show the class, or did not converge, count for it nowhere."""
    x = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    x[:, :4] = 255  # half sky
    x[1, :4], x[1, 0, :2] = 0, 255  # 2 of 64 pixels, 3 %
    x[2, :4], x[2, 0, :4] = 0, 255  # 4 pixels, 6 %
    own_hat = x.copy()
    own_hat[0, :2] = 0  # 16 of 64 pixels lost: 25 %
    own_hat[1] = own_hat[2] = own_hat[3] = 0
    run(shards(tmp_path / "own", x, own_hat, np.array([True, True, True, False])), **{"shown-percent": 5})
    folder = shards(tmp_path / "photos", x, np.zeros_like(x), np.ones(4, bool))
    rows, _ = run(folder, control=tmp_path / "own/o.tsv", **{"shown-percent": 5})
    (ranked,) = [entry for entry in tables.read_tsv(folder / "classes.tsv") if entry["class"] == "sky"]
    expected = (25 + 100 * 4 / 64) / 2  # of images 0 and 2
    assert {float(entry["noise_floor"]) for entry in rows if entry["class"] == "sky"} == {expected}
    assert (float(ranked["noise_floor"]), ranked["num_control"], ranked["num_control_lost"]) == (expected, "2", "1")


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.99])
def test_intervals_hold_the_excess_with_the_confidence_asked_for(confidence):
    """Of one resampled group of many images the percentiles are those of the normal distribution of their mean."""
    lost = np.random.default_rng(0).normal(20, 2, 400)
    rows = [row(index, "tree", float(area)) for index, area in enumerate(lost)]
    (tree,) = class_omissions(rows, [], 0.25, confidence, seed_of=len)
    half = norm.ppf((1 + confidence) / 2) * lost.std() / 20
    # 2,000 resamples: the standard error of a percentile at 0.995 is 6 % of its distance from the mean, less inside.
    assert (tree.low, tree.high) == pytest.approx((lost.mean() - half, lost.mean() + half), abs=0.15 * half)


@pytest.mark.parametrize("photo", [0.1, 1.0, 3.0, 7.0, 48.75])
@pytest.mark.parametrize(("share", "is_it"), [(0.5 - 1e-9, True), (0.5, False), (0.5 + 1e-9, False), (0.0, True)])
def test_lost_means_the_same_for_a_row_and_for_arrays(photo, share, is_it):
    entry = row(0, "tree", photo * (1 - share), photo=photo)
    entry = replace(entry, reconstruction_area=photo * share)
    assert is_lost(entry) is is_it
    assert most_is_lost(np.array([photo, 1.0]), np.array([photo * share, 1.0])).tolist() == [is_it, False]


def test_a_class_is_lost_where_less_than_half_of_it_is_left():
    (found,) = class_omissions(
        [row(0, "tree", 26), row(1, "tree", 25), row(2, "tree", 24)], [], 0.25, 0.95, seed_of=len
    )
    assert (found.num_images, found.num_lost, found.num_control_lost) == (3, 1, 0)


def test_a_class_in_unconverged_images_alone_comes_last_without_a_claim():
    rows = [row(0, "tree", 49, converged=False), row(1, "sky", 0)]
    sky, tree = class_omissions(rows, [], 0.25, 0.95, seed_of=len)
    assert (sky.name, tree.num_images, tree.num_unconverged) == ("sky", 0, 1)
    assert np.isnan([tree.lost_area, tree.excess, tree.low]).all()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(omissions, "load_segmenter", lambda *_, **__: StubSegmenter())
    (tmp_path / "segmenter").touch()

    def call(folder, **more):
        values = {
            "inversions": folder, "count": 4, "shard-size": 3, "segmenter-family": "upernet", "code": "test",
            "segmenter-checkpoint": tmp_path / "segmenter", "settings": json.dumps({"batch_size": 2}), "device": "cpu",
            "threads": 1, "seed": 1, "shown-percent": 0.25, "confidence": 0.95,
            "tsv": folder / "o.tsv", "classes": folder / "classes.tsv",
            "masks": folder / "o.h5", "gallery": folder / "gallery",
        }  # fmt: skip
        omissions.main([text for name, value in (values | more).items() for text in (f"--{name}", str(value))])
        return tables.read_tsv(folder / "o.tsv"), maps.read(folder / "o.h5")

    return call


def shards(folder, x, x_hat, converged):
    for first, last in ((0, 2), (3, 3)):
        rows = slice(first, last + 1)
        found = make_inversions(x[rows], x_hat[rows], np.arange(first, last + 1), converged[rows])
        inversions.write(folder / f"{first}-{last}.h5", found, Provenance("invert", "test"))
    return folder


def test_what_is_lost_stands_in_table_and_maps_beside_its_noise_floor(run, tmp_path):
    x = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    x[:, :4] = 255  # sky above tree, see StubSegmenter
    x_hat, converged = np.zeros_like(x), np.array([True, True, True, False])
    x_hat[0] = x[0]
    control_hat = x.copy()
    control_hat[:, 0] = 0  # one of eight rows lost
    run(shards(tmp_path / "control", x, control_hat, np.ones(4, dtype=bool)))
    rows, found = run(shards(tmp_path / "photos", x, x_hat, converged), control=tmp_path / "control" / "o.tsv")
    sky = [entry for entry in rows if entry["class"] == "sky"]
    assert [entry["lost_area"] for entry in sky] == ["0.0", "50.0", "50.0", "50.0"]
    assert [entry["converged"] for entry in sky] == ["yes", "yes", "yes", "no"]
    assert {entry["noise_floor"] for entry in sky} == {"12.5"}
    assert found.classes == TINY_CLASSES
    assert found.index.tolist() == [0, 1, 2, 3]
    assert np.array_equal(found.labels_photo, StubSegmenter().label_maps(torch.from_numpy(x))["object"].numpy())
    assert found.lost.mean(axis=(1, 2)).tolist() == [0, 0.5, 0.5, 0.5]


def test_each_class_has_a_gallery_numbered_by_rank(run, tmp_path):
    x = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    x[:, :4] = 255
    folder = shards(tmp_path / "photos", x, np.zeros_like(x), np.array([True, True, True, False]))
    run(folder)
    ranked = tables.read_tsv(folder / "classes.tsv")
    assert [(entry["class"], entry["num_images"], entry["num_lost"]) for entry in ranked] == [
        ("sky", "3", "3"), ("tree", "3", "0"),
    ]  # fmt: skip
    assert sorted(path.name for path in (folder / "gallery").iterdir()) == ["001_sky.png", "002_tree.png"]
    pages = [np.asarray(Image.open(path)) for path in sorted((folder / "gallery").iterdir())]
    sides = [(page.shape[1] - GAP) // len(TITLES) - GAP for page in pages]
    assert sides == [SIDE, SIDE]  # small images are enlarged
    assert (pages[0] == EDGE).all(axis=2).any()
    assert not (pages[1] == EDGE).all(axis=2).any()  # no tree is lost, nothing is outlined


def test_a_headline_has_the_noise_floor_where_there_is_a_control():
    (known,) = class_omissions([row(0, "tree", 30)], [row(0, "tree", 1)], 0.25, 0.95, seed_of=len)
    (unknown,) = class_omissions([row(0, "tree", 30)], [row(0, "sky", 1)], 0.25, 0.95, seed_of=len)
    assert "lost in 0 of 1; region lost 1.00 %. Above it: 29.00 % [29.00, 29.00]" in omissions.headline(known, True)[1]
    assert "unknown" in omissions.headline(unknown, True)[1]
    assert len(omissions.headline(unknown, False)) == 1
