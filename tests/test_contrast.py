"""Stage `contrast`: what it writes of two generated sources, that it is the same every time, and what is bad input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables_on_disk
import toy

from lacuna.areas import contrast as areas
from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.formats import tables
from lacuna.stages import contrast, fsd, moments

SETTINGS: dict[str, Any] = {"resamples": 20, "permutations": 499}
COUNT = 600
# What each source draws of sky, tree, person and fence: A never people, B half of them.
FACTORS = {"real": (1, 1, 1, 1), "a": (1, 1, 0, 1), "b": (1, 1, 0.5, 1)}


def run(folder: Path, *sides: str, count: int = COUNT, **settings: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    argv = ["--settings", json.dumps(SETTINGS | settings), "--seed", "1", "--code", "c0de", "--shard-size", "100"]
    for key, side in zip(("real", "a", "b"), sides, strict=True):
        argv += [f"--{key}-moments", str(folder / f"{side}.h5"), f"--{key}-tables", str(folder / side)]
        argv += [f"--{key}-count", str(count)]
    contrast.main([*argv, "--summary", str(folder / "out.json"), "--tsv", str(folder / "out.tsv")])
    return tables.read_json(folder / "out.json"), tables.read_tsv(folder / "out.tsv")


def write(folder: Path, count: int = COUNT) -> Path:
    for seed, (name, factors) in enumerate(FACTORS.items()):
        tables_on_disk.write(folder / name, tables_on_disk.drawn(count, seed, factors), 100)
        words = {"--tables": folder / name, "--count": count, "--shard-size": 100, "--moments": folder / f"{name}.h5"}
        moments.main([str(word) for pair in words.items() for word in pair] + ["--code", "c0de"])
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("contrast"))


def test_the_nearer_source_is_named_and_the_class_that_it_shows_more_of(folder: Path) -> None:
    summary, rows = run(folder, "real", "a", "b")
    assert summary["verdict"] == "b_nearer" and summary["probability"] > 0.99
    assert 0 < summary["difference_low"] < summary["difference"] < summary["difference_high"]
    assert summary["difference_of_all"] == pytest.approx(summary["fsd_a"] - summary["fsd_b"], abs=1e-12)
    assert (summary["num_real"], summary["num_a"], summary["num_b"]) == (COUNT, COUNT, COUNT)
    verdicts = {row["class"]: row["verdict"] for row in rows}
    assert verdicts["person"] == "more_in_b" and verdicts["sky"] == verdicts["dragon"] == "undecided"
    assert tuple(rows[0]) == areas.CLASS_NAMES and len(rows) == len(tables_on_disk.CLASSES)


def test_the_sides_change_places(folder: Path) -> None:
    summary, rows = run(folder, "real", "b", "a")
    assert summary["verdict"] == "a_nearer" and summary["probability"] < 0.01
    assert {row["class"]: row["verdict"] for row in rows}["person"] == "more_in_a"


def test_the_distances_are_those_of_the_comparisons(folder: Path) -> None:
    found, _ = run(folder, "real", "a", "b")
    for side in ("a", "b"):
        argv = ["--settings", json.dumps(SETTINGS), "--seed", "1", "--code", "c0de", "--shard-size", "100"]
        for key, name in (("real", "real"), ("generated", side)):
            argv += [f"--{key}-moments", str(folder / f"{name}.h5"), f"--{key}-tables", str(folder / name)]
            argv += [f"--{key}-count", str(COUNT)]
        fsd.main([*argv, "--summary", str(folder / "fsd.json"), "--tsv", str(folder / "fsd.tsv")])
        expected = tables.read_json(folder / "fsd.json")["fsd"]
        # Classes that only the third source shows are zeros here, and sums in another order.
        assert found[f"fsd_{side}"] == pytest.approx(expected, rel=1e-9)


def test_it_is_the_same_every_time(folder: Path) -> None:
    run(folder, "real", "a", "b")
    first = [(folder / name).read_bytes() for name in ("out.json", "out.tsv")]
    run(folder, "real", "a", "b")
    assert first == [(folder / name).read_bytes() for name in ("out.json", "out.tsv")]


def test_another_correction_is_a_setting(folder: Path) -> None:
    _, by_rate = run(folder, "real", "a", "b")
    _, by_family = run(folder, "real", "a", "b", adjust="maxt")
    pairs = [(row["p_value"], row["q_value"]) for row in by_family if row["category"] == "object"]
    assert all(float(q) >= float(p) for p, q in pairs if p != "nan")
    assert [row["q_value"] for row in by_rate] != [row["q_value"] for row in by_family]


def test_too_few_images_say_nothing(tmp_path: Path) -> None:
    summary, _ = run(write(tmp_path, count=8), "real", "a", "b", count=8)
    assert summary["difference"] is None and summary["verdict"] == "undecided"
    assert any("fewer than 12 images" in line for line in summary["warnings"])


def configured(**entry: str) -> dict[str, Any]:
    names = ("real", "a", "b", "other")
    return {
        "seed": 1,
        "report": "test",
        "sources": {name: {"kind": "world", "count": 10} for name in names},
        "segmenters": {"net": {"family": "upernet", "checkpoint": "net.safetensors"}},
        "comparisons": [{"real": "real", "generated": name} for name in ("a", "b")],
        "contrasts": [{"real": "real", "a": "a", "b": "b", **entry}],
    }


def test_both_sides_must_be_compared_with_the_real_source() -> None:
    assert check_config(configured()).contrasts[0].segmenter == "net"
    for entry, line in (
        ({"b": "other"}, "contrasts.0.b: found 'other', expected a source that is compared with 'real'"),
        ({"b": "a"}, "contrasts.0.b: found 'a' on both sides"),
        ({"segmenter": "nobody"}, "compared with 'real' by segmenter 'nobody'; add that to comparisons"),
    ):
        with pytest.raises(UserError) as raised:
            check_config(configured(**entry))
        assert line in str(raised.value)


@pytest.mark.workflow
def test_the_workflow_writes_a_contrast_and_reruns_it_alone(tmp_path: Path) -> None:
    worlds = {
        "real": {}, "a": {"seed": 2, "omit": ["person"]}, "b": {"seed": 3},
    }  # fmt: skip
    config = {
        "seed": 1,
        "report": "contrast",
        "sources": {name: {"kind": "world", "count": 40, "size": 32, **world} for name, world in worlds.items()},
        "segmenters": {"net": {"family": "upernet", "checkpoint": "workflow/demo/segmenter.safetensors"}},
        "comparisons": [{"real": "real", "generated": name} for name in ("a", "b")],
        "contrasts": [{"real": "real", "a": "a", "b": "b"}],
        "inversions": [],
        "fsd": SETTINGS,
    }
    toy.write_config(tmp_path, config)
    words = ("contrast", "--snakefile", str(toy.ROOT / "Snakefile"))
    toy.snakemake(tmp_path, *words)
    found = tables.read_json(tmp_path / "results/contrast/net/real~a~b.json")
    assert np.isfinite(found["difference"]) and found["num_b"] == 40
    assert toy.planned(tmp_path, *words) == {}
    toy.snakemake(tmp_path, "report", *words[1:])
    page = (tmp_path / "results/report/contrast.html").read_text()
    assert page.index("Which is nearer") < page.index("FSD of a less that of b is")
    assert (tmp_path / "results/report/contrast_files/contrast-net-real-a-b.tsv").exists()
    toy.write_config(tmp_path, config | {"fsd": SETTINGS | {"adjust": "maxt"}})
    assert toy.planned(tmp_path, *words) == {"contrast_pair": 1}
