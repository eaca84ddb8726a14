"""Connected regions: numbers, joining, specks, places, coverage; and a choice that does not depend on the order."""

import io

import numpy as np
import pytest
from PIL import Image

from lacuna.appearance.crops import MOST_SIDE, crop, square
from lacuna.appearance.kept import KeptCrops, KeptRegions, RegionTable, lowest, merged, one_of_each_group
from lacuna.appearance.regions import coverage, numbers, places, regions
from lacuna.appearance.reservoir import Reservoir

LABELS = np.array([
    [1, 1, 0, 1, 1],
    [1, 1, 0, 1, 1],
    [0, 0, 0, 0, 2],
    [2, 0, 0, 2, 0],
    [2, 2, 0, 0, 0],
])  # fmt: skip


def test_regions_are_what_touches_along_rows_and_columns() -> None:
    found = regions(LABELS, 0)
    assert found.label_R.tolist() == [1, 1, 2, 2, 2]
    assert sorted(found.area_px_R.tolist()) == [1, 1, 3, 4, 4]
    assert numbers(found, 4).tolist() == [0, 2, 3, 0]
    assert (found.number_HW > 0).tolist() == (LABELS > 0).tolist()
    for number, area in enumerate(found.area_px_R, start=1):
        assert (found.number_HW == number).sum() == area
        assert len(np.unique(LABELS[found.number_HW == number])) == 1


def test_specks_are_none_and_the_rest_is_numbered_without_gaps() -> None:
    found = regions(LABELS, 1)
    assert found.area_px_R.tolist() == [4, 4, 3]
    assert np.unique(found.number_HW).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("join", "left"), [(0, 2), (1, 2), (2, 2), (3, 1), (5, 1)])
def test_regions_up_to_so_many_pixels_apart_are_one(join: int, left: int) -> None:
    labels_HW = np.zeros((6, 12), dtype=int)
    labels_HW[1:4, 1:4] = labels_HW[1:4, 7:10] = 1  # three pixels apart
    found = regions(labels_HW, 0, join)
    assert numbers(found, 2)[1] == left
    assert found.area_px_R.sum() == 18
    assert numbers(regions(labels_HW.T, 0, join), 2)[1] == left


def test_other_classes_lie_between_and_join_nothing() -> None:
    labels_HW = np.array([[1, 2, 1]])
    assert numbers(regions(labels_HW, 0), 3).tolist() == [0, 2, 1]
    assert numbers(regions(labels_HW, 0, join=1), 3).tolist() == [0, 1, 1]


def test_places_are_pixels_in_a_grid() -> None:
    labels_HW = np.zeros((32, 64), dtype=int)
    labels_HW[:2, :4] = 1
    labels_HW[31, 63] = 2
    found = places(labels_HW, 3)
    assert found.shape == (3, 16, 16) and found.sum() == labels_HW.size
    assert found[1, 0, 0] == 8 and found[1].sum() == 8 and found[2, 15, 15] == 1


def test_coverage_is_the_share_of_a_region_in_each_cell() -> None:
    found = regions(LABELS, 0)
    corner = found.number_HW[0, 0]
    share = coverage(found.number_HW, np.array([corner]), (5, 5)).reshape(5, 5)
    assert share.tolist() == ((found.number_HW == corner) / 4).tolist()
    coarse = coverage(found.number_HW, np.arange(1, 6), (2, 2))
    assert np.allclose(coarse.sum(axis=1), 1)


def test_a_reservoir_keeps_the_lowest_priorities_whatever_the_order_and_the_parts() -> None:
    rng = np.random.default_rng(0)
    things = list(zip(rng.integers(0, 3, 300).tolist(), rng.permutation(300).tolist(), strict=True))
    whole: Reservoir[str] = Reservoir(7)
    for owner, priority in things:
        whole.add(owner, priority, f"{owner}/{priority}")
    backwards: Reservoir[str] = Reservoir(7)
    for half in (things[:100], things[100:]):
        part: Reservoir[str] = Reservoir(7)
        for owner, priority in half[::-1]:
            part.add(owner, priority, f"{owner}/{priority}")
        for found in part.chosen():
            backwards.add(*found)
    assert whole.chosen() == backwards.chosen()
    expected = [sorted(p for o, p in things if o == owner)[:7] for owner in range(3)]
    assert [[p for o, p, _ in whole.chosen() if o == owner] for owner in range(3)] == expected
    assert not whole.wants(0, 299) and whole.wants(5, 299)


def test_a_crop_is_a_square_around_its_region_within_the_image() -> None:
    image_HW3 = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    mask_HW = np.zeros((100, 120), dtype=bool)
    mask_HW[:20, 100:] = True
    rows, columns = square(mask_HW)
    assert (rows, columns) == (slice(0, 30), slice(90, 120))
    picture, mask = crop(image_HW3, mask_HW).opened()
    assert picture.shape == (30, 30, 3) and np.array_equal(mask, mask_HW[rows, columns])
    whole = crop(image_HW3, np.ones_like(mask_HW))
    assert Image.open(io.BytesIO(whole.picture)).size == (MOST_SIDE, MOST_SIDE) and whole.opened()[1].all()
    speck = np.zeros_like(mask_HW)
    speck[50, 60] = True
    assert crop(image_HW3, speck).opened()[1].sum() == 1


def kept(columns: list[int], images: list[int], priorities: list[int]) -> KeptRegions:
    count = len(columns)
    return KeptRegions(
        np.array(columns), np.array(images), np.array(priorities, dtype=np.uint64), np.arange(count),
        np.zeros((count, 2), np.float16),
    )  # fmt: skip


def part(first: int, columns: list[int], priorities: list[int], group: list[int] | None = None) -> RegionTable:
    count = len(columns)
    images = list(range(first, first + count))
    regions_ = kept(columns, images, priorities)
    crops = KeptCrops(regions_.column, regions_.image, regions_.priority, [crop_of(image) for image in images])
    return RegionTable(
        np.array(images), np.ones((count, 2), np.uint16), np.ones((2, 16, 16), np.int64), ["-", "tree"],
        ["object", "object"], 256, (2,), regions_, crops, None if group is None else np.array(group, np.uint64),
    )  # fmt: skip


def crop_of(number: int):
    return crop(np.full((16, 16, 3), number, np.uint8), np.ones((16, 16), dtype=bool))


def test_parts_together_keep_what_the_whole_would() -> None:
    whole = merged([part(0, [1, 0, 1], [5, 6, 7]), part(3, [1, 1], [4, 9])], features=2, crops=1)
    assert (whole.kept.column.tolist(), whole.kept.image.tolist()) == ([0, 1, 1], [1, 3, 0])
    assert whole.crops.image.tolist() == [1, 3]
    assert [one.opened()[0].max() for one in whole.crops.crops] == [1, 3]
    assert whole.index.tolist() == [0, 1, 2, 3, 4] and whole.num_regions.shape == (5, 2)
    assert np.allclose(whole.place, 2 * 256 / (5 * 256))


def test_lowest_is_by_class() -> None:
    assert lowest(np.array([2, 1, 2, 2, 1]), np.array([3, 9, 1, 2, 8]), 2).tolist() == [4, 1, 2, 3]


def test_of_images_that_are_not_independent_one_of_each_group_is_looked_at() -> None:
    table = part(0, [1, 1, 1, 0], [1, 2, 3, 4], group=[7, 7, 9, 7])
    assert one_of_each_group(table.kept, table.index, table.group).image.tolist() == [0, 2, 3]
    assert len(one_of_each_group(table.kept, table.index, None).image) == 4
