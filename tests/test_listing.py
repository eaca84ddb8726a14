"""What a folder or archive holds beside images is told; and a shard reads the files that it was planned with."""

import os
import warnings
import zipfile
from pathlib import Path

import pytest
import toy
from PIL import Image

from lacuna.data import census, open_images
from lacuna.data.containers import folder as folder_module
from lacuna.data.containers import surveyed
from lacuna.data.containers.listing import Census, Entry, plan_digest
from lacuna.data.held import Plan
from lacuna.data.labelled import class_names
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError


def picture(path: Path, color: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (color, 0, 0)).save(path)
    return path


def survey(path: Path) -> tuple[list[Entry], Census]:
    _, found = surveyed(path)
    return list(found.entries), found.seen


def test_droppings_of_desktops_are_no_images_and_are_counted(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    for name in ("._a.png", ".DS_Store", "Thumbs.db", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    for folder in ("__MACOSX", "@eaDir", ".thumbnails", ".ipynb_checkpoints"):
        picture(tmp_path / folder / "a.png")
    entries, seen = survey(tmp_path)
    assert [entry.name for entry in entries] == ["a.png"] and seen.hidden == 8
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "photos/a.png")
        for name in ("__MACOSX/photos/._a.png", "photos/.DS_Store", "photos/.ipynb_checkpoints/a.png"):
            archive.writestr(name, b"x")
    entries, seen = survey(tmp_path / "mac.zip")
    assert [entry.name for entry in entries] == ["photos/a.png"] and seen.hidden == 3 and not seen.worth_a_warning


def test_two_dots_begin_a_name_that_someone_gave(tmp_path: Path) -> None:
    for name in ("..dots.png", "...a.png", ".one.png"):
        picture(tmp_path / name)
    entries, seen = survey(tmp_path)
    assert [entry.name for entry in entries] == ["...a.png", "..dots.png"] and seen.hidden == 1, seen


def test_links_are_followed_once_and_those_to_nothing_are_told(tmp_path: Path) -> None:
    picture(tmp_path / "store/a.png")
    picture(tmp_path / "photos/own.png")
    (tmp_path / "photos/linked").symlink_to(tmp_path / "store")
    (tmp_path / "photos/loop").symlink_to(tmp_path / "photos")
    (tmp_path / "photos/again").symlink_to(tmp_path / "store")
    (tmp_path / "photos/file.png").symlink_to(tmp_path / "store/a.png")
    for number in range(3):
        (tmp_path / f"photos/gone_{number}.png").symlink_to(tmp_path / "nowhere" / str(number))
    (tmp_path / "photos/gone.txt").symlink_to(tmp_path / "nowhere.txt")
    entries, seen = survey(tmp_path / "photos")
    assert [entry.name for entry in entries] == ["again/a.png", "file.png", "own.png"]
    assert (seen.links, seen.dangling, seen.worth_a_warning) == (1, 3, True)
    assert seen.line("photos") == "photos: 3 images; links to nothing: 3; linked folders followed: 1"


def test_other_kinds_are_told_and_a_warning_only_where_they_may_be_images(tmp_path: Path) -> None:
    for number in range(20):
        picture(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.json").write_text("{}")
    entries, seen = survey(tmp_path)
    assert len(entries) == 20 and seen.line("real") == "real: 20 images; other files: 20 .json"
    assert not seen.worth_a_warning
    for name in ("drawing.PSD", "train-00000-of-00001.parquet"):
        (tmp_path / name).write_bytes(b"8BPS")
        assert survey(tmp_path)[1].worth_a_warning
        (tmp_path / name).unlink()
    assert not survey(tmp_path)[1].worth_a_warning


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".ppm", ".pgm", ".jfif", ".jpe", ".avif", ".jp2", ".TIF", ".heic"])
def test_every_suffix_of_an_image_counts(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"x")
    assert [entry.name for entry in survey(tmp_path)[0]] == [f"a{suffix}"]


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "samples.npz").write_bytes(b"x")
    with pytest.raises(
        UserError, match=r"\(other files: 1 .npz, 1 .txt\), expected .* the path of the .npz file itself"
    ):
        survey(tmp_path)


def test_what_cannot_hold_images_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    for name in ("list.csv", "list.txt", "files.tar"):
        (tmp_path / name).write_bytes(b"x" * 100)
    with zipfile.ZipFile(tmp_path / "cut.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "a.png")
    data = (tmp_path / "cut.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    expected = {
        "a.png": "one image, expected a folder of images", "list.csv": "a list, expected a folder",
        "list.txt": "a list, expected", "files.tar": "no tar file, or a damaged one, expected a folder of images",
        "cut.zip": "a damaged zip file .*; copy or download it again",
    }  # fmt: skip
    for name, words in expected.items():
        with pytest.raises(UserError, match=f"{name}: {words}"):
            survey(tmp_path / name)


@pytest.mark.parametrize(("field", "value", "words"), [(6, 1, "an encrypted zip"), (8, 9, "compressed by method 9")])
def test_zip_files_that_python_cannot_unpack_are_refused_in_one_line(
    tmp_path: Path, field: int, value: int, words: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(picture(tmp_path / "a.png"), "a.png")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for mark, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        data[data.index(mark) + field + shift] = value
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(UserError, match=words):
        survey(tmp_path / "a.zip")


def test_names_that_a_zip_file_holds_twice_are_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for color in (1, 2):
            archive.write(picture(tmp_path / f"{color}.png", color), "a.png")
    entries, seen = survey(tmp_path / "a.zip")
    assert len(entries) == 1 and seen.repeated == 1 and seen.worth_a_warning


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "closed/b.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(folder_module.os, "scandir", scandir)
    entries, seen = survey(tmp_path)
    assert len(entries) == 1 and seen.closed == 1 and seen.worth_a_warning
    with pytest.raises(UserError, match="this folder may not be read"):
        survey(tmp_path / "closed")


def test_class_folders_named_by_numbers_sort_as_numbers(tmp_path: Path) -> None:
    for name in ("10", "2", "1", "n02", "n010", "a", "007"):
        picture(tmp_path / name / "x.png")
    names = class_names(entry.name.split("/")[0] for entry in survey(tmp_path)[0])
    assert names == ["1", "2", "007", "10", "a", "n02", "n010"]


def test_sides_that_lie_in_one_another_are_told() -> None:
    sources = {
        "real": {"kind": "folder", "path": "/data"}, "inner": {"kind": "folder", "path": "/data/samples"},
        "same": {"kind": "folder", "path": "/data/../data"}, "other": {"kind": "folder", "path": "/data2"},
    }  # fmt: skip
    for name, words in (("inner", "/data/samples lies inside /data"), ("same", "both are /data"), ("other", "")):
        config = toy.configuration(sources=sources, comparisons=[{"real": "real", "generated": name}])
        found = list(census.overlaps(config))
        assert len(found) == bool(words) and all(words in line for line in found)


def test_a_shard_whose_files_have_changed_since_the_plan_stops(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / f"{number}.png", number)
    entries, _ = survey(tmp_path)
    planned = Plan(digest=plan_digest(entries[2:4]))
    assert len(list(open_images([tmp_path], 2, 3, Preparation(16), None, planned).batches(2))) == 1
    (tmp_path / "0.png").unlink()  # every later image is another one now
    with pytest.raises(UserError, match="its files have changed since the workflow started; run the same command"):
        open_images([tmp_path], 2, 3, Preparation(16), None, planned)
    picture(tmp_path / "0.png", 99)
    os.utime(tmp_path / "2.png", (1, 1))  # a copy of the same
    open_images([tmp_path], 2, 3, Preparation(16), None, planned)  # another shard's file may have changed
    (tmp_path / "5.png").unlink()
    with pytest.raises(UserError, match="have changed"):
        open_images([tmp_path], 4, 5, Preparation(16), None, Plan(digest=plan_digest(entries[4:6])))
