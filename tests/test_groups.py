"""Images that are not independent: with `groups`, whole groups are what is random, and ten copies say what one says."""

import json
from pathlib import Path

import numpy as np
import pytest
import tables_on_disk
import yaml
from PIL import Image
from test_fsd import SETTINGS, run, source

from lacuna.areas import sketch
from lacuna.areas.clusters import clustered
from lacuna.areas.intervals import presence_ratio, relative_delta
from lacuna.areas.permutations import deals, group_test
from lacuna.areas.verdicts import compare_clusters, summarise
from lacuna.config.configuration import check_config
from lacuna.config.grouping import group_codes, group_of, problem
from lacuna.config.targets import segment_settings
from lacuna.data import open_images, subset
from lacuna.data.containers.folder import Folder
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.formats import images, tables
from lacuna.runtime.provenance import Provenance
from lacuna.stages import fsd_by_class, gather

UNIT, LEAST_PX = 100 / tables_on_disk.IMAGE_PX, 2.5


def repeated(area_px: np.ndarray, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Each row so many times, in turn, and the number of the row as its group."""
    return np.repeat(area_px, copies, axis=0), np.repeat(np.arange(len(area_px), dtype=np.uint64), copies)


# Which images belong together


@pytest.mark.parametrize(
    ("name", "rule", "group"),
    [
        ("ann/01.png", "parent", "ann"),
        ("train/ann/01.png", "parent", "ann"),  # the same person as in val/ann
        ("01.png", "parent", ""),
        ("ann_01.png", "^(.*)_", "ann"),
        ("a/ann_01_02.png", r"([a-z]+)_\d+_", "ann"),
        ("\udcff/1.png", "parent", "\udcff"),
    ],
)
def test_the_group_of_an_image_is_read_from_its_name(name: str, rule: str, group: str) -> None:
    assert group_of(name, rule) == group
    codes = group_codes([name, "z/zoe_9_9.png", name], rule)
    assert codes[0] == codes[2] != codes[1] and codes.dtype == np.uint64


def test_codes_do_not_depend_on_what_else_a_shard_holds() -> None:
    names = [f"{person}/{number}.png" for person in ("ann", "bob", "eve") for number in range(3)]
    whole = group_codes(names, "parent")
    assert len(np.unique(whole)) == 3 and np.array_equal(group_codes(names[4:], "parent"), whole[4:])


def test_a_name_without_a_group_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"image 'loose\.png' is not matched by groups: \^\(\.\*\)_"):
        group_of("loose.png", "^(.*)_")
    with pytest.raises(ValueError, match="is not matched"):
        group_of("x.png", "(a)?x")  # matched, but not the group


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [("parent", ""), ("^(.*)_", ""), ("^.*_", "with 0 groups"), ("(a)(b)", "with 2 groups"), ("(", "no regular")],
)
def test_a_rule_that_is_none_is_said_before_anything_runs(rule: str, wrong: str) -> None:
    assert (wrong in problem(rule)) and bool(problem(rule)) == bool(wrong)


@pytest.mark.parametrize("kind", ["folder", "labelled", "lsun"])
def test_the_configuration_says_which_rule_is_wrong(kind: str) -> None:
    config = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    people = {"kind": kind, "path": "people", "groups": "^(.)"} | ({"size": 64} if kind == "labelled" else {})
    config["sources"]["people"] = people
    found = check_config(config).sources["people"]
    assert found.given()["groups"] == "^(.)"
    config["sources"]["people"]["groups"] = "(.)(.)"
    with pytest.raises(
        UserError, match=r"sources\.people\.groups: found '\(\.\)\(\.\)' with 2 groups, expected `parent`"
    ):
        check_config(config)
    config["sources"]["chapel"]["groups"] = "parent"
    with pytest.raises(UserError, match=r"sources\.chapel: found unknown key 'groups'"):
        check_config(config)


def test_only_a_source_with_groups_is_segmented_with_them() -> None:
    """A new setting of one source is no reason to segment another again."""
    config = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    config["sources"]["people"] = {"kind": "folder", "path": "people", "groups": "parent"}
    filled = check_config(config)
    assert segment_settings(filled, "chapel", "people")["groups"] == "parent"
    assert "groups" not in segment_settings(filled, "chapel", "chapel")


def test_files_know_their_groups_whatever_is_left_out_or_put_in_order(tmp_path: Path) -> None:
    for name in ("ann/1.png", "ann/2.png", "bob/1.png", "bob/3.png", "eve/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 20)).save(tmp_path / name)
    (tmp_path / "bob/1.png").write_bytes(b"no image")
    for seed in (None, 1):
        images = open_images([tmp_path], 0, 4, Preparation(16), seed)
        index_N = np.concatenate([index for index, _ in images.batches(2)])
        codes = images.groups(index_N, "parent")
        names = [Folder(tmp_path).listing().entries[number].name for number in subset.chosen(5, 0, 4, seed, "")]
        assert codes is not None and len(codes) == 4
        assert np.array_equal(codes, group_codes([names[index] for index in index_N], "parent"))
        assert images.groups(index_N, None) is None
        part = open_images([tmp_path], 3, 4, Preparation(16), seed)
        index_M = np.concatenate([index for index, _ in part.batches(2)])
        assert np.array_equal(part.groups(index_M, "parent"), codes[np.isin(index_N, index_M)])


def test_labelled_images_keep_their_groups_in_their_shards(tmp_path: Path) -> None:
    for name in ("cat/7_a.png", "cat/7_b.png", "dog/8_a.png", "dog/9_a.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(tmp_path / "pets" / name)
    words = ["--path", str(tmp_path / "pets"), "--size", "16", "--code", "c"]
    for first, last in ((0, 2), (3, 3)):
        shard = tmp_path / f"{first}-{last}.h5"
        gather.main([*words, "--groups", r"(\d+)_", "--first", str(first), "--last", str(last), "--shard", str(shard)])
    images = open_images([tmp_path / "0-2.h5", tmp_path / "3-3.h5"], 1, 3, Preparation(16))
    index_N = np.concatenate([index for index, _ in images.batches(2)])
    expected = group_codes(["dog/8_a.png", "cat/7_b.png", "dog/9_a.png"], r"(\d+)_")
    assert np.array_equal(images.groups(index_N, None), expected)
    gather.main([*words, "--first", "0", "--last", "3", "--shard", str(tmp_path / "none.h5")])
    assert open_images([tmp_path / "none.h5"], 0, 3, Preparation(16)).groups(np.arange(4), None) is None


# Ten copies say what one says


@pytest.mark.parametrize("copies", [2, 10])
def test_copies_in_groups_have_the_summary_of_one_copy(copies: int) -> None:
    areas = tables_on_disk.drawn(40, seed=0)
    one = summarise(areas, tables_on_disk.IMAGE_PX, 100 * LEAST_PX / tables_on_disk.IMAGE_PX)
    many, group_N = repeated(areas, copies)
    found = clustered(many, LEAST_PX, group_N).summary(UNIT)
    assert found.count == one.count == 40
    for name in ("area", "variance", "present", "looked_at"):
        assert np.allclose(getattr(found, name), getattr(one, name), rtol=1e-12), name  # sums in another order


def test_images_in_groups_of_one_are_independent_images() -> None:
    areas = tables_on_disk.drawn(50, seed=1)
    one = summarise(areas, tables_on_disk.IMAGE_PX, 100 * LEAST_PX / tables_on_disk.IMAGE_PX)
    for group_N in (None, np.random.default_rng(0).permutation(50)):
        found = clustered(areas, LEAST_PX, group_N).summary(UNIT)
        assert np.allclose(found.variance, one.variance, rtol=1e-12)
        assert np.allclose(found.present, one.present, rtol=1e-12) and np.allclose(found.looked_at, 50, rtol=1e-12)


def test_ten_copies_with_groups_give_the_numbers_of_one_copy(tmp_path: Path) -> None:
    real, generated = tables_on_disk.drawn(60, seed=0), tables_on_disk.drawn(90, seed=1, factors=(1, 1, 0, 0.5))
    for place, copies in (("one", 1), ("ten", 10)):
        for name, table in (("real", real), ("generated", generated)):
            rows, group_N = repeated(table, copies)
            source(tmp_path / place, name, rows, group=None if copies == 1 else group_N)
    one, one_rows = run(tmp_path / "one", 60, 90)
    ten, ten_rows = run(tmp_path / "ten", 600, 900)
    for before, after in zip(one_rows, ten_rows, strict=True):
        assert before["verdict"] == after["verdict"]
        for name in ("delta_low", "delta_high", "presence_ratio", "p_value", "q_value", "relative_delta"):
            # Sums of ten times as many numbers are rounded otherwise.
            assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-9, nan_ok=True), name
    # One image of each group is looked at where single images are: the same ones.
    for name in ("kernel_distance", "kernel_low", "kernel_high", "precision", "recall", "baseline_recall"):
        assert ten[name] == pytest.approx(one[name], rel=1e-9), name
    # A covariance has divisor n - 1, so that of ten copies is 59/60 * 600/599 of one's, and in a third of the images
    # 19/20 * 200/199: 5 % of a distance that is mostly covariance.
    for name in ("fsd", "baseline_fsd", "baseline_low", "baseline_high", "fsd_infinity"):
        assert ten[name] == pytest.approx(one[name], rel=0.05), name
    widths = [found["fsd_infinity_high"] - found["fsd_infinity_low"] for found in (one, ten)]
    assert widths[1] == pytest.approx(widths[0], rel=0.05)
    assert ten["images"]["real"]["num_groups"] == 60 and one["images"]["real"]["num_groups"] is None


def test_ten_copies_without_groups_give_intervals_that_are_too_narrow(tmp_path: Path) -> None:
    for name, seed in (("real", 0), ("generated", 1)):
        rows, group_N = repeated(tables_on_disk.drawn(60, seed=seed), 10)
        source(tmp_path / "with", name, rows, group=group_N)
        source(tmp_path / "without", name, rows)
    (grouped, rows), (ignored, ignored_rows) = (run(tmp_path / place, 600, 600) for place in ("with", "without"))
    for right, wrong in zip(rows[:5], ignored_rows[:5], strict=True):
        widths = [np.log1p(float(row["delta_high"])) - np.log1p(float(row["delta_low"])) for row in (right, wrong)]
        assert widths[0] / widths[1] == pytest.approx(10**0.5, rel=0.05)  # and Student's quantile, 1 % at 60
    assert grouped["baseline_fsd"] > 5 * ignored["baseline_fsd"], "halves that share copies are too alike"


def test_groups_of_other_sizes_than_the_other_side_are_compared_as_one_copy_is(tmp_path: Path) -> None:
    """Only the real side holds ten photos of each person, which are copies of one."""
    real, generated = tables_on_disk.drawn(60, seed=0), tables_on_disk.drawn(200, seed=1, factors=(1, 1, 0, 0.5))
    rows, group_N = repeated(real, 10)
    source(tmp_path, "real", rows, group=group_N)
    source(tmp_path, "generated", generated)
    _, found = run(tmp_path, 600, 200)
    source(tmp_path, "real", real)
    _, expected = run(tmp_path, 60, 200)
    for before, after in zip(expected, found, strict=True):
        # The permutation test is another where groups differ in size, see `group_test`, so p-values are not compared.
        for name in ("delta_low", "delta_high", "real_presence", "presence_ratio"):
            assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-9, nan_ok=True)


def test_one_group_on_a_side_is_no_ground_for_a_verdict(tmp_path: Path) -> None:
    source(tmp_path, "real", tables_on_disk.drawn(40, seed=0), group=np.zeros(40, np.uint64))
    source(tmp_path, "generated", tables_on_disk.drawn(40, seed=1, factors=(1, 1, 0, 0)))
    summary, rows = run(tmp_path, 40, 40)
    assert {row["verdict"] for row in rows} == {"undecided"}
    assert {row["delta_low"] for row in rows} == {row["delta_high"] for row in rows} == {"nan"}
    assert any(text.startswith("1 group of real images: nothing is known") for text in summary["warnings"])
    assert summary["fsd_infinity"] is None and not any("the verdicts hold" in text for text in summary["warnings"])


def test_within_each_class_groups_count_too(tmp_path: Path) -> None:
    """Two classes of images; ten copies of each image say what one says."""
    found = {}
    for copies in (1, 10):
        words = []
        for side, seed in (("real", 3), ("generated", 4)):
            table, group_N = repeated(tables_on_disk.drawn(60, seed), copies)
            label_N, count = np.repeat(np.arange(60) % 2, copies), 60 * copies
            place = tmp_path / str(copies)
            tables_on_disk.write(place / side, table, count, group=group_N if copies > 1 else None)
            pixels = np.zeros((count, 8, 8, 3), np.uint8)
            images.write(place / f"{side}.h5", pixels, np.arange(count), Provenance("gather", "c"), label=label_N)
            words += [f"--{side}-tables", str(place / side), f"--{side}-images", str(place / f"{side}.h5")]
            words += [f"--{side}-count", str(count)]
        words += ["--shard-size", str(count), "--settings", json.dumps(SETTINGS), "--seed", "1", "--code", "c"]
        fsd_by_class.main([*words, "--tsv", str(place / "t.tsv"), "--summary", str(place / "t.json")])
        found[copies] = tables.read_tsv(place / "t.tsv")
    assert len(found[1]) == 12
    for before, after in zip(found[1], found[10], strict=True):
        assert before["verdict"] == after["verdict"]
        for name in ("delta_low", "delta_high", "p_value", "q_value"):
            assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-9, nan_ok=True), name


# What is claimed where nothing differs


def photos(rng: np.random.Generator, sizes: np.ndarray, classes: int, shared: float) -> tuple[np.ndarray, np.ndarray]:
    """Areas in photos of persons: of the variance of their logarithms, `shared` is that of the persons."""
    group_N = np.repeat(np.arange(len(sizes)), sizes)
    person = rng.normal(0, shared**0.5, (len(sizes), classes))
    return np.exp(4 + 0.3 * (person[group_N] + rng.normal(0, (1 - shared) ** 0.5, (len(group_N), classes)))), group_N


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("sizes", ["equal", "unequal", "one_side"])
def test_false_positives_stay_at_their_level_with_groups(shared: float, sizes: str) -> None:
    """4,000 classes that do not differ: 5 % of p-values are under 0.05, 95 % of the intervals hold no difference."""
    rng = np.random.default_rng(7)
    of_real = np.full(40, 10) if sizes != "unequal" else rng.integers(1, 20, 40)
    of_generated = {"equal": np.full(40, 10), "unequal": rng.integers(1, 20, 60), "one_side": np.ones(150, int)}[sizes]
    sides = [photos(rng, of_side, 4000, shared) for of_side in (of_real, of_generated)]
    real, generated = (clustered(areas, LEAST_PX, group_N) for areas, group_N in sides)
    tests = compare_clusters(real, generated, UNIT, 0.95, 199, rng)
    # Three standard errors of a share of 4,000 are 1 %.
    assert np.mean(tests.p <= 0.05) == pytest.approx(0.05, abs=0.0105)
    assert np.mean((tests.delta_low <= 0) & (tests.delta_high >= 0)) == pytest.approx(0.95, abs=0.0105)
    if shared:
        ignored = compare_clusters(*(clustered(areas, LEAST_PX, None) for areas, _ in sides), UNIT, 0.95, 199, rng)
        assert np.mean(ignored.p <= 0.05) > 0.15, "taken for independent, photos of one person claim far too much"
        assert np.mean((ignored.delta_low <= 0) & (ignored.delta_high >= 0)) < 0.85


def test_a_presence_is_as_certain_as_the_number_of_groups_allows() -> None:
    """A class in 30 % of the persons, in all photos of each: the upper end is over a true ratio of 1 in 97.5 %."""
    rng = np.random.default_rng(8)
    tables = [np.repeat((rng.random((60, 2000)) < 0.3) * 100.0, 5, axis=0) for _ in range(2)]
    group_N = np.repeat(np.arange(60), 5)
    real, generated = (clustered(table, LEAST_PX, group_N).summary(UNIT) for table in tables)
    assert np.mean(presence_ratio(real, generated, 0.95)[1] >= 1) == pytest.approx(0.975, abs=0.0105)  # three errors
    real, generated = (clustered(table, LEAST_PX, None).summary(UNIT) for table in tables)
    assert np.mean(presence_ratio(real, generated, 0.95)[1] >= 1) < 0.9


def test_what_no_person_shows_is_as_rare_as_the_number_of_persons_can_tell() -> None:
    table = np.repeat(np.array([[0.0], [100.0]] * 20), 10, axis=0)
    absent, group_N = np.zeros((400, 1)), np.repeat(np.arange(40), 10)
    real, generated = (clustered(areas, LEAST_PX, group_N).summary(UNIT) for areas in (table, absent))
    once = [clustered(areas[::10], LEAST_PX, None).summary(UNIT) for areas in (table, absent)]
    for compare in (relative_delta, presence_ratio):
        for found, expected in zip(compare(real, generated, 0.95), compare(*once, 0.95), strict=True):
            assert found == pytest.approx(expected, rel=1e-9)


def test_a_true_difference_is_found_where_groups_differ_in_size() -> None:
    rng = np.random.default_rng(9)
    (real, group_N), (generated, _) = photos(rng, np.full(80, 6), 200, 0.5), photos(rng, np.ones(300, int), 200, 0.0)
    sides = clustered(real, LEAST_PX, group_N), clustered(generated * 0.7, LEAST_PX, None)
    sizes = sides[0].size_G, sides[1].size_G
    p = group_test(sides[0].area_GC, sides[1].area_GC, sizes, deals(80, 300, 199, rng)).each
    assert np.mean(p <= 0.05) > 0.95


# How they come to the statistics


def test_more_groups_than_are_kept_go_together_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "MOST_GROUPS", 25)
    monkeypatch.setattr(sketch, "MOST_SAMPLE", 30)
    rng = np.random.default_rng(3)
    code_N = rng.permutation(np.repeat(rng.integers(0, 2**63, 90), rng.integers(1, 5, 90)))
    areas = np.equal.outer(code_N, np.unique(code_N)).astype(np.uint32)  # a class of its own for each group
    found = sketch.sketch(np.array_split(areas, 4), len(areas), 0.5, 1.0, 1, np.random.default_rng(0), code_N)
    assert found.clusters is not None and found.clusters.size_G.sum() == len(areas)
    assert ((found.groups_GC > 0).sum(axis=0) == 1).all() and len(found.groups_GC) == -(-90 // 4)
    assert np.array_equal(found.groups_GC.sum(axis=1), found.size_G)
    assert found.sample_SC.shape == (30, 90) and found.sample_SC.sum(axis=0).max() == 1, "one image of a group"
    assert found.blocks is not None and ((found.blocks.mean_KC > 0).sum(axis=0) == 1).all(), "no group in two blocks"


def test_chunks_do_not_matter_to_groups() -> None:
    areas, code_N = repeated(tables_on_disk.drawn(50, seed=2), 3)
    one, many = (
        sketch.sketch(np.array_split(areas, parts), 150, 2.5, UNIT, 1, np.random.default_rng(0), code_N)
        for parts in (1, 11)
    )
    assert np.array_equal(one.groups_GC, many.groups_GC) and np.array_equal(one.sample_SC, many.sample_SC)
    assert one.clusters is not None and many.clusters is not None and one.blocks is not None and many.blocks is not None
    assert np.array_equal(one.clusters.shown_GC, many.clusters.shown_GC)
    assert np.allclose(one.blocks.mean_KC, many.blocks.mean_KC, atol=1e-12)
