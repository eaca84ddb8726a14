"""A user's mistake, met through Snakemake: one clear line, a non-zero exit, nothing lost."""

import copy as copying
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from PIL import Image

pytestmark = pytest.mark.workflow


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return toy.copy_workflow(tmp_path)


def fails(copy: Path, *words: str) -> str:
    """What Snakemake prints when it must not succeed; never a Python traceback."""
    text = toy.snakemake(copy, *words, check=False)
    assert "Error" in text or "error" in text
    assert "Traceback" not in text, text
    return text


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("sources", "scenes", "coutn"), 3, "sources.scenes: found unknown key 'coutn'"),
        (("sources", "My Photos"), {"kind": "world", "count": 1}, "found 'My Photos', expected a name of lower-case"),
        (("sources", "scenes", "omit"), ["gnome"], "gnome"),
    ],
)
def test_a_bad_configuration_is_one_line(fresh: Path, place: tuple[str, ...], value: Any, message: str) -> None:
    config = copying.deepcopy(toy.CONFIG)
    inner = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    toy.write_config(fresh, config)
    text = fails(fresh, "render")
    assert [line for line in text.splitlines() if message in line], text


def test_a_missing_key_is_one_line(fresh: Path) -> None:
    config = copying.deepcopy(toy.CONFIG)
    del config["sources"]["scenes"]["count"]
    toy.write_config(fresh, config)
    assert "config.yaml: sources.scenes: key 'count' is missing" in fails(fresh, "-n")


def test_a_count_larger_than_the_folder_is_one_line(fresh: Path) -> None:
    folder = fresh / "my photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((40, 40, 3), number * 50, dtype=np.uint8)).save(folder / f"{number}.png")
    toy.write_config(fresh, with_folder(count=10))
    assert "my photos: holds 3 images, 10 asked for; lower the source's count" in fails(fresh, "-n", "segment")


def test_images_that_are_none_are_named_and_the_others_counted(fresh: Path) -> None:
    folder = fresh / "my photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((40, 50, 3), number * 50, dtype=np.uint8)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"nothing")
    toy.write_config(fresh, with_folder(count=4))
    toy.snakemake(fresh, "results/segment/net/photos/0-3.h5")
    with toy.h5py.File(fresh / "results/segment/net/photos/0-3.h5") as file:
        assert file["area_px"].shape[0] == 3
        assert file["skipped_name"].asstr()[:].tolist() == ["broken.png"]
        assert (file["area_px"][:].sum(axis=1) == file.attrs["image_px"]).all()


def with_folder(count: int) -> dict[str, Any]:
    config = copying.deepcopy(toy.CONFIG)
    config["sources"]["photos"] = {"kind": "folder", "path": "my photos", "count": count}
    config["comparisons"] = [{"real": "photos", "generated": "gan", "segmenter": "net"}]
    del config["truth"]  # a folder has no exact labels to be held against
    return config


def test_a_truncated_result_is_one_line_and_names_the_remedy(fresh: Path) -> None:
    toy.snakemake(fresh, "render")
    shard = fresh / "results/render/scenes/0-19.h5"
    shard.write_bytes(shard.read_bytes()[:5000])
    text = fails(fresh, "train_segmenter")
    assert re.search(r"train_segmenter: .*0-19\.h5: no readable HDF5 .*delete it and run again", text), text
    end = text[text.index("Failed for good: 1 job.") :].splitlines()  # what is seen first, in the morning
    line = r"  train_segmenter_weights: train_segmenter: .*run again \[results/logs/.*net\.log\]$"
    assert re.match(line, end[1]), end
    assert len(end) < 12


def test_a_truncated_checkpoint_is_one_line(fresh: Path) -> None:
    config = copying.deepcopy(toy.CONFIG)
    config["generators"]["gan"] = {"family": "progan", "checkpoint": "cut.safetensors"}
    (fresh / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    toy.write_config(fresh, config)
    assert "cut.safetensors: not a readable checkpoint" in fails(fresh, "sample")


def test_a_full_disk_is_one_line_and_leaves_nothing(fresh: Path) -> None:
    """A real file system of 256 KiB, so the failing call is the kernel's own."""
    place = fresh / "results/render"
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=False).returncode == 0
    if not mounted:
        pytest.skip("mounting a small file system needs root")
    try:
        config = copying.deepcopy(toy.CONFIG)
        config["sources"]["scenes"] |= {"count": 400, "size": 64}
        config["shard_size"]["images"] = 400
        toy.write_config(fresh, config)
        text = fails(fresh, "results/render/scenes/0-399.h5")
        assert re.search(
            r"render: .*0-399\.h5: cannot be written, no space left on the device; free some and run", text
        )
        assert not list((place / "scenes").glob("*"))
    finally:
        subprocess.run(["umount", place], check=True)
