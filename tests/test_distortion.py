"""Distorted objects of the world: only their pixels change, more with the strength, and each kind as it says."""

import numpy as np
import pytest

from lacuna.world import VOCABULARY, World
from lacuna.world.distortion import DISTORTIONS, distorted

PERSON = VOCABULARY["object"].index("person")


def picture() -> tuple[np.ndarray, np.ndarray]:
    """Random colours, and a mask of a quarter of them."""
    rng = np.random.default_rng(0)
    mask_HW = np.zeros((32, 32), dtype=bool)
    mask_HW[8:24, 4:20] = True
    return rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), mask_HW


def spoilt(kind: str, strength: float = 1.0) -> np.ndarray:
    return distorted(*picture(), kind, strength, np.random.default_rng(1))


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_pixels_of_the_mask_change_with_the_strength_and_no_others(kind: str) -> None:
    image_HW3, mask_HW = picture()
    changes = [np.abs(spoilt(kind, strength).astype(int) - image_HW3).mean(axis=2) for strength in (0, 0.5, 1)]
    assert all((change[~mask_HW] == 0).all() for change in changes)
    none, half, full = (change[mask_HW].mean() for change in changes)
    assert none == 0 and 0.1 * full < half < full
    assert np.array_equal(distorted(image_HW3, np.zeros_like(mask_HW), kind, 1, np.random.default_rng(1)), image_HW3)


def test_blur_takes_details_and_nothing_from_around_the_mask() -> None:
    image_HW3, mask_HW = picture()
    assert spoilt("blur")[mask_HW].std() < 0.2 * image_HW3[mask_HW].std()
    image_HW3[mask_HW] = (10, 200, 30)
    flat = distorted(image_HW3, mask_HW, "blur", 1, np.random.default_rng(1))
    assert np.array_equal(flat, image_HW3)


def test_scramble_and_melt_use_the_colours_that_are_there() -> None:
    image_HW3, mask_HW = picture()
    there = {tuple(colour) for colour in image_HW3[mask_HW]}
    assert np.array_equal(np.sort(spoilt("scramble")[mask_HW], axis=0), np.sort(image_HW3[mask_HW], axis=0))
    assert {tuple(colour) for colour in spoilt("melt")[mask_HW]} < there


def test_recolor_keeps_light_and_dark() -> None:
    image_HW3, mask_HW = picture()
    before, after = (image[mask_HW].mean(axis=1) for image in (image_HW3, spoilt("recolor")))
    assert np.corrcoef(before, after)[0, 1] > 0.95


def test_a_distorted_world_has_the_labels_and_the_rest_of_its_scenes() -> None:
    plain, spoilt_ = World(), World(distort={"person": "recolor", "tree": "melt"}, distort_strength=0.5)
    tree = VOCABULARY["object"].index("tree")
    seen = np.zeros(2)
    for index in range(20):
        one, other = plain.scene(index), spoilt_.scene(index)
        assert all(np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))
        changed_HW = (one.image != other.image).any(axis=2)
        assert not changed_HW[~np.isin(one.labels_object, (PERSON, tree))].any()
        seen += [changed_HW[one.labels_object == position].any() for position in (PERSON, tree)]
    assert (seen > 4).all()
    assert np.array_equal(spoilt_.scene(3).image, spoilt_.scene(3).image)


@pytest.mark.parametrize(
    ("distort", "message"),
    [
        ({"persn": "blur"}, "distort names 'persn', which is no object of the world; expected sky, building"),
        ({"person": "smear"}, "distort of person is 'smear', expected one of: blur, scramble, recolor, melt"),
    ],
)
def test_a_wrong_distortion_is_one_clear_line(distort: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        World(distort=distort)
