"""What the main process saw, the jobs read: they list nothing, and stop where their own files have changed."""

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pytest
import toy
from PIL import Image

from lacuna.config.configuration import Configuration
from lacuna.data import census, open_images
from lacuna.data.containers import Folder, TarArchive, ZipArchive
from lacuna.data.held import Asked, Plan, from_manifest
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.formats import manifests
from lacuna.stages import gather

NAMES = ("a.png", "b\n.png", "c/é.png", "d\udcff.png", 'e".png', "f.png")


def png(gray: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (16, 16), (gray,) * 3).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six images of grays 0, 10, ... 50, with names that no list of lines could hold, and a text."""
    (tmp_path / "photos/c").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (tmp_path / "photos" / name).write_bytes(png(10 * number))
    (tmp_path / "photos/notes.txt").write_text("x")
    return tmp_path / "photos"


def config(path: Path, **settings: Any) -> Configuration:
    return toy.configuration(sources={"it": {"kind": "folder", "path": str(path)} | settings})


def planned(path: Path, **settings: Any) -> tuple[Path, census.Held]:
    """The manifest of a source, as the main process writes it, and what that process knows."""
    asked, folder = config(path, **settings), path.parent / "manifests" / path.name
    held = census.census(asked, ["it"])
    census.write_manifests(folder, census.counted(asked, held), held)
    return census.manifest_path(folder, "it"), held["it"]


def grays(path: Path, first: int, last: int, plan: Plan, seed: int | None = None) -> list[int]:
    images = open_images([path], first, last, Preparation(16), seed, plan)
    return [int(image[0, 0, 0]) for _, batch in images.batches(2) for image in batch]


def test_a_job_reads_its_rows_and_lists_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(photos.with_suffix(".zip"), "w") as archive:
        for number in range(6):
            archive.writestr(f"{number}.png", png(10 * number))
    shutil.make_archive(str(photos), "tar", photos)
    plans = {path: planned(path) for path in (photos, photos.with_suffix(".zip"), photos.with_suffix(".tar"))}
    assert plans[photos.with_suffix(".tar")][1].entries[3].start > 512
    for kind in (Folder, ZipArchive, TarArchive):
        monkeypatch.setattr(kind, "listing", None)
    for path, (manifest, held) in plans.items():
        assert grays(path, 2, 4, Plan(str(manifest), held.plan(2, 4))) == [20, 30, 40]


@pytest.mark.parametrize("seed", [None, 4])
def test_what_the_main_process_knows_a_job_knows(photos: Path, seed: int | None) -> None:
    settings = {} if seed is None else {"subset": {"seed": seed}}
    _, held = planned(photos, **settings)
    asked = config(photos, **settings)
    (photos / "0.png").write_bytes(png(99))  # seen by no job
    again = census.census(asked, ["it"], photos.parent / "manifests" / "photos")["it"]
    for first, last in ((0, 0), (1, 4), (0, 5)):
        assert again.digest(first, last) == held.digest(first, last)
        assert again.plan(first, last) == held.plan(first, last)
    assert (again.total, again.seen, again.kind, list(again.entries)) == (6, held.seen, "folder", list(held.entries))
    assert census.counted(asked, {"it": again}).sources["it"].count == 6


def test_a_file_that_another_shard_lost_moves_no_image_and_an_own_one_stops(photos: Path) -> None:
    manifest, held = planned(photos)
    plan = Plan(str(manifest), held.plan(2, 3))
    (photos / "a.png").unlink()
    (photos / "0.png").write_bytes(png(99))
    assert grays(photos, 2, 3, plan) == [20, 30]
    os.utime(photos / "c/é.png", (1, 1))  # a copy
    assert grays(photos, 2, 3, plan) == [20, 30]
    (photos / "c/é.png").write_bytes(png(20) + b"more")
    with pytest.raises(UserError, match="photos: its files have changed since the workflow started; run the same com"):
        grays(photos, 2, 3, plan)
    (photos / "c/é.png").unlink()
    with pytest.raises(UserError, match="its files have changed"):
        grays(photos, 2, 3, plan)


def test_an_archive_or_array_of_another_length_stops(photos: Path) -> None:
    np.save(photos.parent / "a.npy", np.zeros((6, 16, 16, 3), np.uint8))
    shutil.make_archive(str(photos), "tar", photos)
    for path in (photos.with_suffix(".tar"), photos.parent / "a.npy"):
        manifest, held = planned(path)
        plan = Plan(str(manifest), held.plan(1, 2))
        assert len(grays(path, 1, 2, plan)) == 2
        with path.open("ab") as file:
            file.write(bytes(10240))
        with pytest.raises(UserError, match="its files have changed"):
            grays(path, 1, 2, plan)


def test_a_manifest_is_written_only_where_something_has_changed(photos: Path) -> None:
    manifest, _ = planned(photos)
    before = manifest.stat()
    planned(photos)
    assert manifest.stat().st_ino == before.st_ino
    (photos / "g.png").write_bytes(png(60))
    planned(photos)
    assert manifest.stat().st_ino != before.st_ino and not list(manifest.parent.glob("*.partial"))


def test_a_manifest_holds_rows_of_what_is_counted_alone(photos: Path) -> None:
    manifest, held = planned(photos, count=3)
    found = manifests.read(manifest)
    assert found is not None and len(found.lines) == 3 and found.header["total"] == 6 and held.total == 6
    assert found.header["census"]["others"] == {".txt": 1} == manifests.census(manifest)["others"]  # type: ignore[index]
    assert grays(photos, 0, 2, Plan(str(manifest), held.plan(0, 2))) == [0, 10, 20]


def test_a_manifest_of_another_run_is_not_believed(photos: Path) -> None:
    manifest, held = planned(photos, subset={"seed": 3})
    assert from_manifest(manifest, Asked(str(photos))) is None
    assert from_manifest(manifest, Asked(str(photos.parent), False, 3)) is None
    assert from_manifest(manifest, Asked(str(photos), False, 3)) is not None
    (photos / "0.png").write_bytes(png(99))  # the same source, but as it was
    now = census.census(config(photos), ["it"])["it"]
    assert grays(photos, 0, 2, Plan(str(manifest), now.plan(0, 2))) == [99, 0, 10]
    with pytest.raises(UserError, match="its files have changed"):
        grays(photos, 0, 2, Plan(str(manifest), held.plan(0, 2)))
    assert grays(photos, 0, 2, Plan(str(manifest.with_name("absent.jsonl")))) == [99, 0, 10]


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b'{"format": "other/1"}\n', b"\xff"])
def test_a_damaged_manifest_is_one_line(photos: Path, content: bytes) -> None:
    manifest, _ = planned(photos)
    manifest.write_bytes(content)
    with pytest.raises(UserError, match=r"it\.jsonl: no manifest of format lacuna-manifest/1; delete it and run again"):
        grays(photos, 0, 1, Plan(str(manifest)))


def test_labels_and_classes_come_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "animals"
    for name, values in (("10", (100, 110)), ("2", (20, 30, 40))):
        (path / name).mkdir(parents=True)
        for gray in values:
            (path / name / f"{gray}.png").write_bytes(png(gray))
    manifest, held = planned(path, kind="labelled", size=16)
    monkeypatch.setattr(Folder, "listing", None)
    words = ["--path", str(path), "--size", "16", "--first", "1", "--last", "4", "--code", "digest"]
    words += ["--manifest", str(manifest), "--planned", held.plan(1, 4)]
    gather.main([*words, "--shard", str(path.parent / "shard.h5")])
    with h5py.File(path.parent / "shard.h5") as file:
        assert json.loads(file.attrs["vocabulary"]) == {"scene": ["2", "10"]}
        assert file["label"][:].tolist() == [1, 0, 1, 0]
        assert file["images"][:, 0, 0, 0].tolist() == [100, 30, 110, 40]
        assert json.loads(file.attrs["inputs"]) == {str(path): held.plan(1, 4)}


def test_a_class_that_goes_changes_the_labels_and_so_the_digest(tmp_path: Path) -> None:
    """Labels too: d/x.png is image 2 of three whatever the classes are called, and its label moves."""

    def last() -> tuple[str, int, str]:
        held = census.census(config(tmp_path, kind="labelled", size=16), ["it"])["it"]
        return held.entries[2].name, held.entries[2].label, held.digest(2, 2)

    for name in ("b", "c", "d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(png(1))
    before = last()
    assert last() == before and before[:2] == ("d/x.png", 2)
    (tmp_path / "b/x.png").rename(tmp_path / "c/y.png")
    (tmp_path / "c/y.png").rename(tmp_path / "d/w.png")
    assert last()[:2] == ("d/x.png", 1) and last()[2] != before[2]


def test_a_database_has_a_census_and_no_rows(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path / "rooms"), map_size=1 << 22) as environment, environment.begin(write=True) as writes:
        for number in range(5):
            writes.put(f"{number:040d}".encode(), png(10 * number))
    manifest, held = planned(tmp_path / "rooms", kind="lsun", count=4)
    found = manifests.read(manifest)
    assert found is not None and found.header["numbered"] and found.lines == [] and found.header["total"] == 5
    assert manifests.census(manifest) == found.header["census"] == held.seen.stated()
    assert found.header["census"]["images"] == 5
    plan = Plan(str(manifest), held.plan(1, 3))
    assert grays(tmp_path / "rooms", 1, 3, plan) == [10, 20, 30]
    with (tmp_path / "rooms/data.mdb").open("ab") as file:
        file.write(bytes(4096))
    with pytest.raises(UserError, match="its files have changed"):
        grays(tmp_path / "rooms", 1, 3, plan)
