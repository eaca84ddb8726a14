"""What became of the images of a source is counted, and said where it matters."""

import numpy as np
import pytest

from lacuna.statistics.images_read import (
    ImagesRead,
    headline,
    num_shared,
    one_color,
    pixels_hash,
    shared_warnings,
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
    assert headline([("real", few), ("generated", many)]) == (
        "34 of 38 real images could not be read: what follows is about the rest."
    )
    assert headline([("real", many), ("generated", many)]) == ""


def test_images_on_both_sides_are_said() -> None:
    copies = np.concatenate([IMAGES[:2], IMAGES[:1]])
    assert num_shared(pixels_hash(IMAGES), pixels_hash(copies)) == 2
    assert shared_warnings(read(IMAGES), read(IMAGES[::-1])) == ["both sides hold the same images"]
    inside = np.concatenate([IMAGES, IMAGES[:2] // 2])
    assert shared_warnings(read(inside), read(IMAGES)) == ["6 of 6 generated images are also among the real ones"]
    assert shared_warnings(read(IMAGES[:3]), read(IMAGES[3:])) == []


def test_where_nothing_is_known_of_pixels_nothing_is_said() -> None:
    unknown = ImagesRead(10, 0, "", 0, np.empty(0, np.uint64))
    assert unknown.num_distinct is None and unknown.warnings("real") == []
    assert shared_warnings(unknown, unknown) == []
