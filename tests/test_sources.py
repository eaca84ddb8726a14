"""Users' images: every kind of file, folder, zip file and LMDB; one size, nothing lost silently."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
import toy
from PIL import Image

from lacuna.config.configuration import Configuration
from lacuna.data import FileImages, ShardImages, census, open_images, subset
from lacuna.data.containers import is_lmdb, lmdb_file, surveyed
from lacuna.data.containers.listing import Entry
from lacuna.data.containers.lsun import Lsun
from lacuna.data.decoding import decode
from lacuna.data.preparation import Preparation
from lacuna.formats import images as image_format
from lacuna.report.inputs import Inputs
from lacuna.runtime.provenance import Provenance

SMALL = Preparation(16)


def listing(path: Path) -> Sequence[Entry]:
    return surveyed(path)[1].entries


def picture(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    values = np.arange(size[0] * size[1] * 3, dtype=np.uint32).reshape(size[1], size[0], 3) % 251
    if mode == "I;16":
        return Image.fromarray((values[..., 0] * 257).astype(np.uint16))
    return Image.fromarray(values.astype(np.uint8)).convert(mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "my photos"
    (root / "deep").mkdir(parents=True)
    picture("RGB").save(root / "a.png")
    picture("L").save(root / "b.png")
    picture("RGBA").save(root / "deep" / "c.png")
    picture("I;16").save(root / "d.png")
    picture("CMYK").save(root / "e.jpg")
    picture("P").save(root / "f.png")
    picture("RGB").save(root / "g.webp")
    picture("RGB").save(root / "h.tiff")
    return root


def test_every_kind_of_image_becomes_rgb_of_one_size(folder: Path) -> None:
    images = open_images([folder], 0, 7, SMALL)
    index, pixels = next(images.batches(8))
    assert pixels.shape == (8, 16, 16, 3) and pixels.dtype == np.uint8
    assert index.tolist() == list(range(8)) and images.skipped == [] and images.image_px == 256


def test_the_listing_is_sorted_over_all_folders_with_links_to_files_and_without_links_to_folders(folder: Path) -> None:
    (folder / "UPPER.PNG").write_bytes(b"12")
    (folder / "notes.txt").write_text("no image")
    (folder / "deep" / "link.png").symlink_to(folder / "UPPER.PNG")
    (folder / "again").symlink_to(folder / "deep")  # would count every image in it twice, or for ever
    found = listing(folder)
    expected = ["UPPER.PNG", "a.png", "b.png", "d.png", "deep/c.png", "deep/link.png", "e.jpg", "f.png", "g.webp"]
    assert [entry.name for entry in found] == [*expected, "h.tiff"]
    state = (folder / "UPPER.PNG").stat()
    assert [(found[row].size, found[row].modified_ns) for row in (0, 5)] == [(2, state.st_mtime_ns)] * 2


def test_sixteen_bits_keep_their_range(folder: Path) -> None:
    grey = np.asarray(decode((folder / "d.png").read_bytes()))
    assert np.array_equal(grey[..., 0], np.asarray(picture("RGB"))[..., 0])


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(folder: Path) -> None:
    (folder / "a_broken.png").write_bytes(b"no image at all")
    (folder / "b_cut.jpg").write_bytes((folder / "e.jpg").read_bytes()[:200])
    picture("RGB", (1, 30)).save(folder / "c_thin.png")
    images = open_images([folder], 0, 10, SMALL)
    found = np.concatenate([index for index, _ in images.batches(3)])
    assert [row.name for row in images.skipped] == ["a_broken.png", "b_cut.jpg", "c_thin.png"]
    assert sorted([*found, *(row.index for row in images.skipped)]) == list(range(11))
    assert "1 x 30 pixels" in images.skipped[2].reason


def test_a_huge_image_is_skipped_not_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # 40 x 30 is more than twice this
    images = open_images([folder], 0, 7, SMALL)
    assert list(images.batches(8)) == [] and len(images.skipped) == 8
    assert "pixels" in images.skipped[0].reason


def test_a_zip_file_is_a_folder(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for entry in listing(folder):
            file.write(folder / entry.name, entry.name)
    (_, from_zip), (_, from_folder) = (next(open_images([path], 0, 7, SMALL).batches(8)) for path in (archive, folder))
    assert np.array_equal(from_zip, from_folder)


def source(path: Path, **settings: Any) -> Configuration:
    kind = "lsun" if is_lmdb(path) else "folder"
    return toy.configuration(sources={"photos": {"kind": kind, "path": str(path)} | settings})


def counted(path: Path, **settings: Any) -> int:
    """The count that the workflow finds."""
    config = source(path, **settings)
    found = census.counted(config, census.census(config, ["photos"])).sources["photos"].count
    return found or 0


def digest(path: Path, first: int, last: int, **settings: Any) -> str:
    return census.census(source(path, **settings), ["photos"])["photos"].digest(first, last)


def test_without_a_count_all_images_are_counted(folder: Path) -> None:
    assert counted(folder) == 8
    assert counted(folder, count=3) == 3


def test_asking_for_more_than_the_folder_holds_is_one_clear_line(folder: Path) -> None:
    with pytest.raises(ValueError, match="holds 8 images, 20 asked for; lower the source's count"):
        counted(folder, count=20)
    with pytest.raises(ValueError, match="holds 8 images, images 5-8 asked for"):
        open_images([folder], 5, 8, SMALL)
    with pytest.raises(ValueError, match="no such folder"):
        listing(folder / "absent")


def test_a_changed_file_changes_its_shard_alone(folder: Path) -> None:
    before = [digest(folder, 0, 3), digest(folder, 4, 7)]
    assert [digest(folder, 0, 3), digest(folder, 4, 7)] == before
    picture("L").save(folder / "a.png")
    assert digest(folder, 0, 3) != before[0] and digest(folder, 4, 7) == before[1]


def test_a_subset_is_counted_in_its_own_order(folder: Path) -> None:
    numbers = subset.order(8, 1)
    assert sorted(numbers) == list(range(8)) and list(numbers) != list(range(8))
    (index, pixels), (_, every) = (
        next(open_images([folder], first, last, SMALL, seed).batches(8))
        for first, last, seed in ((2, 5, 1), (0, 7, None))
    )
    assert index.tolist() == [2, 3, 4, 5]
    assert np.array_equal(pixels, every[list(numbers[2:6])])
    assert digest(folder, 0, 3, subset={"seed": 1}) != digest(folder, 0, 3)


def test_more_images_keep_the_subset_that_was() -> None:
    assert subset.chosen(100, 0, 9, 7, "x") == subset.chosen(100, 0, 19, 7, "x")[:10]


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """An LMDB as LSUN has it: keys are SHA-1 in hexadecimal digits, values WebP files of 256 pixels or more."""
    path = tmp_path / "my rooms_lmdb"
    with lmdb.open(str(path), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for number in range(30):
            data = io.BytesIO()
            picture("RGB", (32 + number, 24)).save(data, "WEBP", lossless=True)
            transaction.put(hashlib.sha1(bytes([number])).hexdigest().encode(), data.getvalue())
    return path


def in_key_order() -> Sequence[int]:
    """Numbers of the pictures of `rooms` in the order of their keys."""
    return sorted(range(30), key=lambda number: hashlib.sha1(bytes([number])).hexdigest())


def test_lsun_images_come_in_the_order_of_their_keys(rooms: Path) -> None:
    before = sorted(path.name for path in rooms.iterdir())
    found = list(open_images([rooms], 5, 17, Preparation(24)).batches(4))
    assert np.concatenate([index for index, _ in found]).tolist() == list(range(5, 18))
    expected = [np.asarray(picture("RGB", (32 + number, 24))) for number in in_key_order()[5:18]]
    left = [round((image.shape[1] - 24) / 2) for image in expected]
    cropped = [image[:, start : start + 24] for image, start in zip(expected, left, strict=True)]
    assert np.array_equal(np.concatenate([images for _, images in found]), np.stack(cropped))
    assert sorted(path.name for path in rooms.iterdir()) == before


def test_lsun_counts_and_orders_as_a_folder_with_its_files_does(rooms: Path, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    exported.mkdir()
    with lmdb_file.opened(rooms) as environment, environment.begin() as transaction:
        for key, value in transaction.cursor():
            (exported / f"{key.decode()}.webp").write_bytes(value)
    assert counted(rooms) == counted(exported) == 30
    batches = [next(open_images([path], 0, 19, SMALL, 3).batches(20)) for path in (rooms, exported)]
    assert np.array_equal(batches[0][1], batches[1][1])


def test_a_value_that_is_no_image_is_named_by_its_key(rooms: Path) -> None:
    key = Lsun(rooms).at([4])[0].name
    with lmdb.open(str(rooms), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        transaction.put(key.encode(), b"no image")
    images = open_images([rooms], 0, 29, SMALL)
    assert sum(len(index) for index, _ in images.batches(7)) == 29
    assert [(row.index, row.name) for row in images.skipped] == [(4, key)]


def test_a_changed_lmdb_changes_the_digest(rooms: Path) -> None:
    before = digest(rooms, 0, 9)
    assert digest(rooms, 0, 9) == before
    with lmdb.open(str(rooms), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"0", b"")
    assert digest(rooms, 0, 9) != before


def test_a_folder_without_lmdb_or_with_a_broken_one_is_one_clear_line(tmp_path: Path) -> None:
    config = toy.configuration(sources={"photos": {"kind": "lsun", "path": str(tmp_path)}})
    with pytest.raises(ValueError, match=r"no data\.mdb in it, expected the unpacked LMDB"):
        census.census(config, ["photos"])
    (tmp_path / "data.mdb").write_bytes(b"nothing" * 1000)
    with pytest.raises(ValueError, match=r"no readable LMDB .* unpack data\.mdb again"):
        census.census(config, ["photos"])


def test_what_is_still_to_be_fetched_needs_a_count() -> None:
    config = toy.configuration(sources={"rooms": {"kind": "lsun", "path": "resources/rooms_lmdb"}})
    assert census.census(config, ["rooms"]) == {}
    with pytest.raises(ValueError, match=r"sources\.rooms\.count: missing"):
        census.counted(config, {})


def test_a_matched_resolution_takes_detail_away_before_the_final_size(folder: Path) -> None:
    image = picture("RGB", (40, 30))
    small = Image.fromarray(Preparation(10)(image))
    prepared = Preparation(24, resolution=10)
    assert np.array_equal(prepared(image), np.asarray(small.resize((24, 24), Image.Resampling.BILINEAR)))
    assert prepared.text == "PIL bilinear, shorter side, centre crop, to 10, then 24 pixels"
    boxes = Preparation(24, resolution=10, boxes=True)
    means = image.resize((20, 20)).reduce(2)
    assert np.array_equal(boxes(image.resize((20, 20))), np.asarray(means.resize((24, 24), Image.Resampling.BILINEAR)))
    assert boxes.text == "means of boxes, to 10 pixels; then PIL bilinear, shorter side, centre crop, to 24 pixels"
    with pytest.raises(ValueError, match="expected a square of a multiple of 10 pixels"):
        boxes(image)
    assert (prepared.resolution_of(image), Preparation(24).resolution_of(image)) == (10, 30)


def test_resolutions_are_those_of_the_images_that_were_read(folder: Path) -> None:
    picture("RGB", (90, 20)).save(folder / "a.png")
    images = open_images([folder], 0, 7, SMALL)
    list(images.batches(3))
    assert isinstance(images, FileImages) and images.resolutions == (20, 30)


def test_jpeg_is_a_round_trip_and_off_by_default(folder: Path) -> None:
    image, data = picture("RGB", (24, 24)), io.BytesIO()
    image.save(data, "JPEG", quality=60, subsampling="4:2:0")
    assert np.array_equal(Preparation(24, jpeg_quality=60)(image), np.asarray(Image.open(data)))
    assert np.array_equal(Preparation(24)(image), np.asarray(image))
    assert Preparation(24, jpeg_quality=60).text.startswith("JPEG at quality 60; ")


def test_shards_are_prepared_as_files_are(tmp_path: Path) -> None:
    pictures = np.stack([np.asarray(picture("RGB", (30, 30)).rotate(90 * turn)) for turn in range(3)])
    image_format.write(tmp_path / "0-2.h5", pictures, np.arange(3), Provenance("sample", "c"))
    for preparation in (Preparation(30), Preparation(16), Preparation(16, 50, 12), Preparation(None)):
        images = open_images([tmp_path / "0-2.h5"], 0, 2, preparation)
        found = np.concatenate([batch for _, batch in images.batches(2)])
        assert np.array_equal(found, [preparation(Image.fromarray(image)) for image in pictures])
        assert isinstance(images, ShardImages) and images.size == 30 and images.image_px == found[0, ..., 0].size
        assert images.resolutions == ((12, 12) if preparation.resolution else (30, 30))


def test_decode_accepts_bytes_of_any_common_format() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        data = io.BytesIO()
        picture("RGB").save(data, kind)
        assert decode(data.getvalue()).size == (40, 30)


def test_the_page_shows_the_readable_images_on_the_ground_of_their_source(tmp_path: Path) -> None:
    photos = {"kind": "folder", "path": str(tmp_path), "count": 3, "size": 16, "background": "#102030"}
    inputs = Inputs(toy.configuration(sources={"photos": photos}, shard_size={"images": 10}), tmp_path)
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"no image")
    assert inputs.first_images("photos", 8).shape == (0, 16, 16, 3)
    Image.new("RGBA", (20, 30), (200, 0, 0, 0)).save(tmp_path / "c.png")
    assert (inputs.first_images("photos", 8) == [0x10, 0x20, 0x30]).all()
