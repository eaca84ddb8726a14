"""The procedural world: exact labels, scenes that depend on (seed, i) alone, omissions that change nothing else."""

import numpy as np
import pytest

from lacuna.world import FREQUENCIES, PART_OWNERS, SCENE_WEIGHTS, VOCABULARY, World
from lacuna.world.canvas import SUBPIXELS, Canvas, most_common

OBJECTS = VOCABULARY["object"]
NUM_SCENES = 500


@pytest.fixture(scope="module")
def scenes():
    world = World()
    return [world.scene(i) for i in range(NUM_SCENES)]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def covered(canvas: Canvas, name: str) -> np.ndarray:
    """(H, W) how many subpixels of each pixel show the object."""
    object_S = np.array([surface.labels[0] for surface in canvas.surfaces])
    shown = object_S[np.asarray(canvas.instances)] == OBJECTS.index(name)
    return shown.reshape(canvas.size, SUBPIXELS, canvas.size, SUBPIXELS).sum(axis=(1, 3))


def count_slots(world: World, name: str, num_scenes: int) -> int:
    """How many slots of an object are taken, by the rule that the world documents."""
    first = sum(frequency.slots for other, frequency in list(FREQUENCIES.items())[: list(FREQUENCIES).index(name)])
    rows = slice(2 + first, 2 + first + FREQUENCIES[name].slots)
    uniforms = (np.random.default_rng([world.seed, i]).random((64, 32))[rows, 0] for i in range(num_scenes))
    return sum(int((u < world.probabilities[name]).sum()) for u in uniforms)


def test_a_scene_depends_on_seed_and_index_alone(scenes):
    world = World()
    assert all(same(world.scene(i), scenes[i]) for i in (7, 3, 250, 3))
    assert not np.array_equal(World(seed=2).scene(3).image, scenes[3].image)


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_every_size_has_its_shapes_and_kinds(size, scenes):
    scene = World(size=size).scene(5)
    assert scene.image.shape == (size, size, 3)
    assert scene.image.dtype == np.uint8
    for labels in scene[1:4]:
        assert labels.shape == (size, size)
        assert labels.dtype == np.uint16
    assert scene.label == scenes[5].label


def test_sizes_show_the_same_scene(scenes):
    for i in range(5):
        large = World(size=128).scene(i).image.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        # Shapes are rounded to a quarter of a pixel: edges differ, and little else.
        assert np.abs(large - scenes[i].image).mean() < 4


def test_labels_are_the_mode_of_the_supersampled_map():
    world = World()
    canvas, grain_HW, _ = world.drawing(11)
    instances = np.asarray(canvas.instances)
    names_S3 = np.array([surface.labels for surface in canvas.surfaces])
    scene = world.scene(11)
    for y in range(64):
        for x in range(64):
            block = instances[4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
            surfaces, counts = np.unique(block, return_counts=True)
            winner = surfaces[counts == counts.max()].max()  # of equals the one in front
            found = [labels[y, x] for labels in scene[1:4]]
            assert found == names_S3[winner].tolist()
    assert np.array_equal(canvas.render(grain_HW)[0], scene.image)


def test_ties_go_to_the_surface_in_front():
    blocks = np.array([[1] * 8 + [5] * 8, [2] * 9 + [0] * 7, [0] * 6 + [3] * 5 + [4] * 5], dtype=np.uint8)
    assert most_common(blocks, 6).tolist() == [5, 2, 0]


@pytest.mark.parametrize("name", list(FREQUENCIES))
def test_omitting_an_object_changes_no_pixel_away_from_it(name):
    world, without = World(), World(omit=[name])
    for i in range(20):
        (canvas, grain_HW, kind), (other, other_grain_HW, other_kind) = world.drawing(i), without.drawing(i)
        (image, labels), (other_image, other_labels) = canvas.render(grain_HW), other.render(other_grain_HW)
        assert kind == other_kind
        touched = covered(canvas, name) > 0
        assert not ((labels != other_labels).any(axis=0) & ~touched).any()
        shadow = np.asarray(canvas.shadows) != np.asarray(other.shadows)
        shadow = shadow.reshape(64, SUBPIXELS, 64, SUBPIXELS).any(axis=(1, 3))
        assert not ((image != other_image).any(axis=2) & ~touched & ~shadow).any()
        assert not (other_labels[0] == OBJECTS.index(name)).any()
        assert not covered(other, name).any()


def test_scaling_an_object_keeps_the_scenes_that_it_does_not_thin(scenes):
    fewer = World(scale={"fence": 0.5})
    fence = OBJECTS.index("fence")
    kept = 0
    for i, scene in enumerate(scenes[:120]):
        other = fewer.scene(i)
        had, has = (scene.labels_object == fence).any(), (other.labels_object == fence).any()
        assert had or not has
        assert had != has or same(scene, other)
        kept += int(had and has)
    assert kept > 5


@pytest.mark.parametrize(("name", "factor"), [("fence", 0.5), ("person", 2.0), ("car", 0.0), ("tree", 2.3)])
def test_scale_is_a_factor_on_the_expected_number(name, factor):
    world, number = World(scale={name: factor}), 4000
    slots, probability = FREQUENCIES[name].slots, FREQUENCIES[name].probability * factor
    expected = world.expected_numbers()[name]
    assert expected == pytest.approx(slots * probability)
    deviation = np.sqrt(slots * probability * (1 - probability) / number)
    assert abs(count_slots(world, name, number) / number - expected) <= 4 * deviation  # 4 sigma


def test_objects_occur_as_often_as_stated(scenes):
    for name, (slots, probability) in FREQUENCIES.items():
        some = 1 - (1 - probability) ** slots
        if name == "tower":
            some = World().expected_numbers()["tower"]
        seen = np.mean([(scene.labels_object == OBJECTS.index(name)).any() for scene in scenes])
        # 4 sigma of 500 scenes, and up to 5 % of the objects stand hidden behind others.
        slack = 4 * np.sqrt(some * (1 - some) / NUM_SCENES)
        assert some * 0.95 - slack <= seen <= some + slack, name


def test_kinds_occur_by_their_weights(scenes):
    counts = np.bincount([scene.label for scene in scenes], minlength=10) / NUM_SCENES
    assert np.abs(counts - list(SCENE_WEIGHTS.values())).max() < 0.08  # 4 sigma at 0.28
    only = World(scenes={"windmill": 2, "barn": 1})
    kinds = {VOCABULARY["scene"][only.scene(i).label] for i in range(40)}
    assert kinds == {"windmill", "barn"}


def test_every_class_occurs_and_no_object_is_nothing(scenes):
    for category, labels in (("object", 1), ("part", 2), ("material", 3)):
        seen = np.unique([scene[labels] for scene in scenes])
        names = {VOCABULARY[category][k] for k in seen}
        assert names == set(VOCABULARY[category]) - ({"-"} if category == "object" else set())


def test_a_part_lies_on_its_owner_only(scenes):
    owner_P = np.array([0] + [OBJECTS.index(PART_OWNERS[part]) for part in VOCABULARY["part"][1:]])
    for scene in scenes[:200]:
        has_part = scene.labels_part > 0
        assert np.array_equal(owner_P[scene.labels_part][has_part], scene.labels_object[has_part])


def test_only_the_heavens_are_made_of_nothing(scenes):
    heavens = [OBJECTS.index(name) for name in ("sky", "sun", "cloud")]
    for scene in scenes[:200]:
        assert np.array_equal(scene.labels_material == 0, np.isin(scene.labels_object, heavens))


def test_what_is_there_is_large_enough_to_be_segmented(scenes):
    for name in FREQUENCIES:
        areas = [int((scene.labels_object == OBJECTS.index(name)).sum()) for scene in scenes]
        assert np.median([area for area in areas if area]) >= 30, name  # pixels of 64 x 64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"omit": ["persn"]}, "omit names 'persn', which is no object of the world; expected tower, tree"),
        ({"omit": ["sky"]}, "omit names 'sky', which is always there"),
        ({"scale": {"grass": 0.5}}, "scale names 'grass', which is always there"),
        ({"scale": {"fence": 2.6}}, r"scale of fence is 2.6, expected 0 to 2\.5"),
        ({"scale": {"fence": -1}}, "scale of fence is -1, expected 0 to"),
        ({"scenes": {"church": 1}}, "scenes names 'church', expected some of: chapel"),
        ({"scenes": {"barn": -1}}, "the weight of scene barn is -1"),
        ({"scenes": {"barn": 0}}, "all weights of scenes are 0"),
        ({"size": 16}, "size is 16, expected 32 to 256"),
        ({"seed": -1}, "seed is -1, expected 0 or more"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        World(**settings)
    assert "\n" not in str(caught.value)


def test_the_palette_changes_the_light_and_nothing_else():
    for index in range(4):
        day, night = (World(seed=3, palette=palette).scene(index) for palette in ("day", "night"))
        assert np.array_equal(day.labels_object, night.labels_object)
        assert night.image.mean() < 0.6 * day.image.mean()
    with pytest.raises(ValueError, match="palette is 'dusk', expected one of: day, night"):
        World(palette="dusk")
