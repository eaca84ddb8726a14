"""The render stage: shards that agree with the world, whatever their limits, and say what made them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from segmenter_case import WORLD

from lacuna.formats.images import ImageShards
from lacuna.runtime.provenance import canonical_json
from lacuna.stages import render
from lacuna.world import PART_OWNERS, VOCABULARY, World


def flags(shard: Path, first: int, last: int, **changes) -> list[str]:
    settings = canonical_json(WORLD | changes)
    limits = ["--first", str(first), "--last", str(last)]
    return ["--settings", settings, "--seed", "3", *limits, "--shard", str(shard), "--code", "c0de"]


def test_a_shard_holds_the_scenes_of_the_world(tmp_path):
    render.main(flags(tmp_path / "4-9.h5", 4, 9))
    scene = World(size=32, seed=3).scene(6)
    with ImageShards([tmp_path / "4-9.h5"]) as shards:
        assert shards.index.tolist() == [4, 5, 6, 7, 8, 9]
        assert np.array_equal(shards.read("images", [2])[0], scene.image)
        for name in ("labels_object", "labels_part", "labels_material", "label"):
            found = shards.read(name, [2])[0]
            assert np.array_equal(found, getattr(scene, name))
            assert found.dtype == (np.int64 if name == "label" else np.uint16)


def test_shards_do_not_depend_on_their_limits(tmp_path):
    render.main(flags(tmp_path / "0-5.h5", 0, 5))
    render.main(flags(tmp_path / "0-2.h5", 0, 2))
    render.main(flags(tmp_path / "3-5.h5", 3, 5))
    with (
        ImageShards([tmp_path / "0-5.h5"]) as whole,
        ImageShards([tmp_path / "0-2.h5", tmp_path / "3-5.h5"]) as parts,
    ):
        for name in ("images", "label", "labels_object", "labels_part", "labels_material"):
            assert np.array_equal(whole.read(name, range(6)), parts.read(name, range(6)))


def test_a_shard_carries_vocabulary_and_provenance(tmp_path):
    render.main(flags(tmp_path / "x.h5", 0, 1, omit=["person"]))
    with ImageShards([tmp_path / "x.h5"]) as shards:
        assert json.loads(shards.attributes["vocabulary"]) == {key: list(names) for key, names in VOCABULARY.items()}
        assert json.loads(shards.attributes["part_owners"]) == PART_OWNERS
        assert json.loads(shards.attributes["config"])["omit"] == ["person"]
        assert (shards.attributes["stage"], shards.attributes["seed"]) == ("render", 3)
        assert shards.attributes["code"] == "c0de"


@pytest.mark.parametrize(
    ("changes", "limits", "message"),
    [
        ({"omit": ["persn"]}, (0, 1), "'persn'"),
        ({"scale": {"fence": 9}}, (0, 1), "scale of fence is 9"),
        ({"colour": 1}, (0, 1), "--settings holds colour, distort"),
        ({}, (3, 1), "scenes 3 to 1"),
    ],
)
def test_a_mistake_leaves_no_file(tmp_path, changes, limits, message):
    with pytest.raises(ValueError, match=message):
        render.main(flags(tmp_path / "x.h5", *limits, **changes))
    assert not list(tmp_path.iterdir())


def test_a_mistake_is_one_line_on_the_command_line(tmp_path):
    command = [sys.executable, "-m", "lacuna.stages.render", *flags(tmp_path / "x.h5", 0, 1, omit=["moon"])]
    package = Path(render.__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=package, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("render: world: omit names 'moon'")
    assert done.stderr.count("\n") == 1
