"""The overlays of experiments/: each can be planned from a fresh clone, and the published runs as their page says."""

from pathlib import Path

import pytest
import toy

from lacuna.config.configuration import check_config
from lacuna.config.shorthand import with_paths, without_missing

pytestmark = pytest.mark.workflow
PAGE = toy.ROOT / "docs" / "published_runs.md"
NEED_IMAGES = {"folders", "acgan_imagenet", "ceiling"}  # planned, with images, in the test files of their own
OVER = {"families_retrain": "families"}  # an overlay on another one
NAMES = sorted({path.stem for path in (toy.ROOT / "experiments").glob("*.yaml")} - NEED_IMAGES)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.copy_repository(tmp_path_factory.mktemp("clone"))


def written() -> dict[str, dict[str, int]]:
    """Experiment -> rule -> number of jobs, as the page has it."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    header = next(number for number, row in enumerate(rows) if row[0] == "jobs of")
    experiments, found = rows[header][1:], {}
    for row in rows[header + 1 :]:
        if len(row) != len(experiments) + 1 or not row[1].isdecimal():
            break
        found[row[0].strip("`")] = [int(count) for count in row[1:]]
    return {
        name: {rule: counts[column] for rule, counts in found.items() if counts[column]}
        for column, name in enumerate(experiments)
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_is_planned_from_a_fresh_clone(clone: Path, name: str) -> None:
    overlays = [f"experiments/{part}.yaml" for part in (OVER.get(name), name) if part]
    jobs = toy.planned(clone, "--configfile", *overlays)
    assert jobs["report_page"] == 1
    if name.startswith("families"):
        assert jobs.get("train_generator_weights", 0) == (3 if name in OVER else 0)
    if name in written():
        assert jobs == written()[name]


def test_the_page_has_every_published_run() -> None:
    assert set(written()) == {"church", "bedroom", "rooms"}
    for name in written():
        assert f"snakemake --configfile experiments/{name}.yaml" in PAGE.read_text()


def test_one_room_is_one_line(clone: Path) -> None:
    line = "--configfile experiments/rooms.yaml -- results/fsd/published/kitchen~kitchen_progan.json"
    assert line in PAGE.read_text() and line in (clone / "experiments/rooms.yaml").read_text()
    jobs = toy.planned(clone, *line.split())
    assert jobs["fsd_pair"] == 1 and jobs["segment_shard"] == 20 and jobs["fetch_unpacked"] == 1


def test_stylegan_is_left_out_with_a_line_until_its_weights_are_there(clone: Path) -> None:
    overlay = ("--dry-run", "--configfile", "experiments/church.yaml")
    text = toy.snakemake(clone, *overlay)
    assert "stylegan_church is left out: no file resources/stylegan_church256.pth; put its weights there" in text
    assert "church_stylegan" not in text
    weights = clone.parent / "my stylegan.pth"
    weights.write_bytes(b"")
    text = toy.snakemake(clone, *overlay, "--config", f"stylegan_church={weights}")
    assert "left out" not in text and "results/fsd/published/church~church_stylegan.json" in text


def test_what_needs_a_missing_generator_goes_and_nothing_else() -> None:
    config = check_config(toy.CONFIG).given()
    for name in ("one", "other"):
        config["generators"][name] = {"family": "progan", "checkpoint": f"{name}.pth", "optional": name == "one"}
        config["sources"][name] = {"kind": "generator", "generator": name, "count": 3}
        config["comparisons"].append({"real": "scenes", "generated": name, "segmenter": "net"})
        config["inversions"].append({"generator": "gan", "source": name, "count": 2, "methods": ["z"]})
    found, lines = without_missing(check_config(config), lambda path: False)
    assert [pair.generated for pair in found.comparisons] == ["gan", "other"]
    assert [entry.source for entry in found.inversions] == ["scenes", "gan", "other"]
    assert len(lines) == 1 and lines[0].startswith("one is left out: no file one.pth;")
    assert without_missing(check_config(config), lambda path: True)[1] == []


def test_a_word_on_the_command_line_is_a_path_of_that_name_only() -> None:
    config = {
        "sources": {"a": {"kind": "folder"}, "b": {"kind": "world"}, "seed": {"kind": "folder"}},
        "generators": {"g": {"family": "progan"}},
    }
    given = config | {"a": "/my photos", "b": "/x", "g": "/w.pth", "seed": 3, "other": 1}
    found = with_paths(given, {"seed", "sources", "generators"})
    assert found["sources"]["a"]["path"] == "/my photos" and found["generators"]["g"]["checkpoint"] == "/w.pth"
    assert (found["b"], found["seed"], found["other"]) == ("/x", 3, 1)
    assert "path" not in found["sources"]["seed"] and "a" not in found and "path" not in config["sources"]["a"]
