"""What became of the images of a source is counted, and said where it matters."""

import numpy as np
import pytest

from lacuna.areas.images_read import (
    ImagesRead,
    by_group,
    headline,
    image_warnings,
    num_shared,
    one_color,
    pixels_hash,
    same_images,
)  # fmt: skip

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


def read(images: np.ndarray, unreadable: int = 0, plain: int = 0) -> ImagesRead:
    content = np.sort(pixels_hash(images)) if len(images) else np.empty(0, np.uint64)
    return ImagesRead(len(images) + unreadable, unreadable, "an empty file" if unreadable else "", plain, content)


def test_a_hash_tells_images_apart_by_their_pixels_alone() -> None:
    other = IMAGES.copy()
    other[3, 7, 7, 2] ^= 1
    assert (pixels_hash(IMAGES) == pixels_hash(other)).tolist() == [True, True, True, False, True, True]
    assert (
        pixels_hash(IMAGES[::-1]) == pixels_hash(IMAGES)[::-1]
    ).all()  # whatever its place in a batch or its strides


def test_images_of_one_color_are_counted() -> None:
    plain = np.full((3, 8, 8, 3), 7, np.uint8)
    plain[1] = [1, 2, 3]
    plain[2, 4, 4, 0] = 8
    assert one_color(plain) == 2 and one_color(IMAGES) == 0


def test_copies_are_counted_and_said() -> None:
    found = read(np.concatenate([IMAGES, IMAGES[:2]]))
    assert found.num_distinct == 6
    assert found.warnings("real") == [
        "2 of 8 real images are copies of others; intervals take all images for independent"
    ]
    assert read(IMAGES).warnings("real") == []


@pytest.mark.parametrize(("unreadable", "said"), [(0, False), (2, False), (3, True), (200, True)])
def test_over_one_percent_unreadable_is_a_warning(unreadable: int, said: bool) -> None:
    many = RANDOM.integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    found = read(many, unreadable)
    words = f"{unreadable} of {200 + unreadable} real images could not be read (an empty file)"
    assert (words in found.warnings("real")) is said


def test_over_five_percent_unreadable_comes_first_on_the_page() -> None:
    few, many = read(IMAGES[:4], 34).summary(), read(IMAGES).summary()
    assert headline({"real": few, "generated": many}) == (
        "34 of 38 real images could not be read: what follows is about the rest."
    )
    assert headline({"real": many, "generated": many}) == ""


def test_groups_are_told_on_the_page() -> None:
    images, people = read(IMAGES).summary(), read(IMAGES).summary() | {"num_groups": 3}
    assert by_group({"real": images, "generated": images}) == by_group({}) == ""
    assert (
        by_group({"real": people, "generated": images}) == "Intervals and tests go by group: 3 groups of real images."
    )
    both = by_group({"real": people, "generated": people | {"num_groups": 1}})
    assert both.endswith("3 groups of real images and 1 group of generated images.")


def test_images_on_both_sides_are_said() -> None:
    copies = np.concatenate([IMAGES[:2], IMAGES[:1]])
    assert num_shared(read(IMAGES), read(copies)) == 3  # each copy of a real image is one
    assert image_warnings(read(IMAGES), read(IMAGES[::-1])) == [
        "both sides hold the same images, so their distance is 0"
    ]
    inside = np.concatenate([IMAGES, IMAGES[:2] // 2])
    assert image_warnings(read(inside), read(IMAGES)) == ["6 of 6 generated images are also among the real ones"]
    assert image_warnings(read(IMAGES[:3]), read(IMAGES[3:])) == []


def test_the_same_images_are_so_in_any_order_and_each_as_often() -> None:
    assert same_images(read(IMAGES), read(IMAGES[::-1]))
    assert not same_images(read(IMAGES), read(IMAGES[:5])) and not same_images(read(IMAGES), None)
    one, other = (read(np.concatenate([IMAGES, IMAGES[place : place + 1]])) for place in (0, 1))
    assert not same_images(one, other), "the same pictures, but another of them twice"


def test_copies_within_groups_are_no_word_on_images() -> None:
    found = ImagesRead(8, 0, "", 0, read(np.concatenate([IMAGES, IMAGES[:2]])).content_N, num_groups=6)
    assert found.warnings("real") == [
        "2 of 8 real images are copies of others; intervals take all groups for independent"
    ]


def test_where_nothing_is_known_of_pixels_nothing_is_said() -> None:
    unknown = ImagesRead(10, 0, "", 0, np.empty(0, np.uint64))
    assert unknown.num_distinct is None and unknown.warnings("real") == []
    assert num_shared(unknown, unknown) is None and image_warnings(unknown, unknown) == []
