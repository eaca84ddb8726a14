"""Do classes look like themselves: pairs of equal size, kernel distance, its test and interval, verdicts, the stage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_regions import crop_of

from lacuna.appearance import instances, kernel, verdicts
from lacuna.appearance.kept import KeptCrops, KeptRegions, RegionTable
from lacuna.appearance.matching import matched
from lacuna.appearance.verdicts import Looks, Rule, compare_looks, judged
from lacuna.areas.verdicts import Thresholds
from lacuna.config.shards import shards
from lacuna.formats import appearances, regions, tables
from lacuna.runtime.provenance import Provenance
from lacuna.stages import appearance

RULE = Rule(altered_by=0.01, q_below=0.05, confidence=0.95, permutations=499, area_tolerance=0.15)
NAMES = ["-", "tree", "bench", "dragon"]


def test_pairs_are_of_equal_size_and_as_many_as_there_are() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.lognormal(5, 0.5, 80), rng.lognormal(5.3, 0.5, 120)
    real, generated = matched(one, other, 0.1)
    ratio = one[real] / other[generated]
    assert (np.abs(np.log(ratio)) <= np.log(1.1) + 1e-12).all() and len(real) > 60
    assert len(set(real.tolist())) == len(real) == len(set(generated.tolist()))
    assert [len(found) for found in matched(np.array([100.0]), np.array([200.0]), 0.1)] == [0, 0]
    assert abs(ratio.mean() - 1) < 0.02


def test_terms_are_the_unbiased_distance_without_the_pairs_themselves() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 6, 3))
    gram = kernel.gram(np.concatenate([x, y]))
    terms = kernel.paired_terms(gram, np.arange(6), np.arange(6, 12))
    total = 0.0
    for i in range(6):
        for j in range(6):
            if i != j:
                total += gram[i, j] + gram[6 + i, 6 + j] - gram[i, 6 + j] - gram[j, 6 + i]
    assert terms.sum() == pytest.approx(total)
    swapped = kernel.paired_terms(gram, np.array([6, 1, 2, 3, 4, 5]), np.array([0, 7, 8, 9, 10, 11]))
    signs = np.array([-1, 1, 1, 1, 1, 1])
    assert np.allclose(swapped, terms * signs[:, None] * signs)


def test_every_block_weighs_the_same_and_constant_features_nothing() -> None:
    rng = np.random.default_rng(0)
    real = np.column_stack([rng.standard_normal((400, 30)) * 50, rng.standard_normal((400, 2)), np.ones(400)])
    scaled, _ = kernel.standardised(real, real, (30, 3))
    assert scaled.shape == (400, 32)
    assert (scaled[:, :30] ** 2).sum() == pytest.approx((scaled[:, 30:] ** 2).sum())


def test_the_test_is_valid_and_the_interval_holds_the_distance() -> None:
    rng = np.random.default_rng(0)
    p, wrong = [], 0
    for _ in range(200):
        real, generated = rng.standard_normal((2, 60, 8))
        found = kernel.distance(real, generated, (8,), 0.95, 99, rng)
        p.append(found.p)
        wrong += found.low > 0
    assert np.mean(np.array(p) <= 0.05) < 0.09  # 0.05 and three deviations of 200 tosses
    assert wrong == 0  # two-sided 95 %, and wide where nothing differs
    exact = np.mean([
        kernel.distance(real, generated + 0.4, (8,), 0.95, 1, rng).value
        for real, generated in rng.standard_normal((20, 2, 600, 8))
    ])  # fmt: skip
    inside = 0
    for real, generated in rng.standard_normal((200, 2, 60, 8)):
        found = kernel.distance(real, generated + 0.4, (8,), 0.95, 1, rng)
        inside += found.low < exact < found.high
    assert 180 <= inside <= 198


def looks(count: int, shift: float, seed: int, size: float = 1.0) -> Looks:
    rng = np.random.default_rng(seed)
    area = rng.lognormal(5, 0.4, count) * size
    features = rng.standard_normal((count, 6)) + np.log(area)[:, None]  # the look depends on the size
    return Looks(area, features + shift)


def test_a_class_of_other_sizes_is_alike_and_one_of_another_look_altered() -> None:
    rng = np.random.default_rng(0)
    larger = compare_looks(looks(400, 0, 1), looks(400, 0, 2, size=1.5), (6,), RULE, rng)
    altered = compare_looks(looks(400, 0, 1), looks(400, 0.5, 2), (6,), RULE, rng)
    q, words = judged([larger, altered], RULE)
    assert words == ["alike", "altered"] and q[1] < 0.05
    assert 100 < larger.num_pairs < 400
    unmatched = compare_looks(looks(400, 0, 1), looks(400, 0, 2, size=50), (6,), RULE, rng)
    assert unmatched.num_pairs == 0 and judged([unmatched], RULE)[1] == ["undecided"]
    assert judged([compare_looks(looks(19, 0, 1), looks(19, 0, 2), (6,), RULE, rng)], RULE)[1] == ["undecided"]


def test_regions_that_all_look_the_same_say_nothing() -> None:
    flat = Looks(np.full(30, 50.0), np.ones((30, 6)))
    found = compare_looks(flat, flat, (6,), RULE, np.random.default_rng(0))
    assert found.found.value == 0 and judged([found], RULE)[1] == ["undecided"]


def test_a_crowd_that_shrinks_is_reduced_though_its_presence_is_kept() -> None:
    rng = np.random.default_rng(0)
    real, generated = rng.poisson(4, (800, 1)) + 1, rng.poisson(1, (800, 1)) + 1
    same = rng.poisson(2, (800, 1)) + 1
    tests = instances.compare_numbers(
        np.hstack([real, same]), np.hstack([generated, rng.permutation(same)]), (None, None), 0.95, 199, rng
    )
    rows = instances.rows(["person", "tree"], "object", tests, Thresholds())
    assert [row[-1] for row in rows] == ["reduced", "kept"]
    assert rows[0][2] == pytest.approx(real.mean()) and rows[0][3] == pytest.approx(generated.mean())


def region_table(first: int, count: int, shift: float, seed: int) -> RegionTable:
    """Trees as they are, benches that are shifted by so much, no dragons."""
    rng = np.random.default_rng([seed, first])
    column = np.repeat([1, 2], count)
    image = np.tile(np.arange(first, first + count), 2)
    feature = rng.standard_normal((2 * count, 5))
    feature[count:] += shift
    priority = rng.permutation(2 * count).astype(np.uint64)
    order = np.lexsort((priority, column))
    known = column[order], image[order], priority[order]
    kept = KeptRegions(*known, rng.integers(50, 200, 2 * count), feature.astype(np.float16))
    crops = KeptCrops(*(array[:3] for array in known), [crop_of(number) for number in range(3)])
    numbers = np.column_stack([np.zeros(count), *rng.integers(0, 4, (2, count)), np.zeros(count)]).astype(np.uint16)
    place = np.zeros((4, 16, 16), np.int64)
    place[0] = count * 4
    return RegionTable(
        np.arange(first, first + count), numbers, place, NAMES, ["object"] * 4, 1024, (3, 2), kept, crops
    )


def run(folder: Path, shift: float = 1.0, count: int = 150, **settings: Any) -> list[dict[str, str]]:
    for side, seed in (("real", 1), ("generated", 2)):
        for shard in shards(count, 100):
            table = region_table(shard.first, len(shard), shift * (side == "generated"), seed)
            regions.write(folder / side / f"{shard.name}.regions.h5", table, Provenance("segment", "c"))
    appearance.main([
        "--real-tables", str(folder / "real"), "--generated-tables", str(folder / "generated"), "--real-count",
        str(count), "--generated-count", str(count), "--shard-size", "100", "--kept", '{"features": 120, "crops": 2}',
        "--settings", json.dumps({"permutations": 199} | settings), "--verdicts", "{}", "--seed", "1", "--code", "c",
        "--tsv", str(folder / "o.tsv"), "--numbers", str(folder / "o.numbers.tsv"),
        "--summary", str(folder / "o.json"), "--pictures", str(folder / "o.h5"),
        "--gallery", str(folder / "o"),
    ])  # fmt: skip
    return tables.read_tsv(folder / "o.tsv")


def test_the_stage_calls_altered_what_is_and_shows_it(tmp_path: Path) -> None:
    rows = run(tmp_path)
    assert list(rows[0]) == list(verdicts.COLUMNS)
    assert [row["class"] for row in rows] == NAMES and [row["num_real"] for row in rows] == ["0", "120", "120", "0"]
    assert [row["verdict"] for row in rows] == ["undecided", "undecided", "altered", "undecided"]
    assert [row["q_value"] for row in rows][::3] == ["nan", "nan"]
    shown = appearances.read(tmp_path / "o.h5")
    assert len(shown.real.crops.crops) == 2 and shown.real.crops.crops[0].opened()[0].shape == (16, 16, 3)
    assert np.allclose(shown.generated.place[0], 1) and shown.classes == NAMES
    assert [row["class"] for row in tables.read_tsv(tmp_path / "o.numbers.tsv")] == NAMES
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["object_tree.png"]
    found = tables.read_json(tmp_path / "o.json")
    assert found["verdicts"] == {"undecided": 3, "altered": 1} and found["blocks"] == [3, 2]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    names = ("o.tsv", "o.numbers.tsv", "o.json")
    run(tmp_path)
    before = [(tmp_path / name).read_bytes() for name in names]
    run(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in names] == before


def test_regions_come_back_as_they_were_written(tmp_path: Path) -> None:
    table = region_table(5, 20, 0, 3)
    regions.write(tmp_path / "5-24.regions.h5", table, Provenance("segment", "c"))
    found = regions.read(tmp_path / "5-24.regions.h5")
    for name in ("index", "num_regions", "place_px"):
        assert np.array_equal(getattr(found, name), getattr(table, name))
    assert np.array_equal(found.kept.feature, table.kept.feature) and found.crops.crops == table.crops.crops
    assert (found.classes, found.blocks, found.group) == (NAMES, (3, 2), None)


def test_sources_that_were_looked_at_in_other_ways_are_one_line(tmp_path: Path) -> None:
    run(tmp_path)
    other = region_table(0, 100, 0, 1)
    regions.write(
        tmp_path / "real/0-99.regions.h5",
        RegionTable(**{**vars(other), "classes": ["-", "tree", "bank", "dragon"]}),
        Provenance("segment", "c"),
    )
    with pytest.raises(ValueError, match=r"100-149\.regions\.h5: other classes, image size or features than the shard"):
        list(regions.read_shards(tmp_path / "real", 150, 100))
