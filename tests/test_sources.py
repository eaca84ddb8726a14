"""Folders of users' images: every kind of file, one size, nothing lost silently."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from golden_folder import GoldenFolder
from PIL import Image

from lacuna.sources import open_images
from lacuna.sources.folder import decode, first_entries, fit, listing, listing_digest


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
    images = open_images([folder], 0, 7, size=16)
    index, pixels = next(images.batches(8))
    assert pixels.shape == (8, 16, 16, 3) and pixels.dtype == np.uint8
    assert index.tolist() == list(range(8)) and images.skipped == [] and images.image_px == 256


def test_sixteen_bits_keep_their_range(folder: Path) -> None:
    grey = np.asarray(decode((folder / "d.png").read_bytes()))
    assert np.array_equal(grey[..., 0], np.asarray(picture("RGB"))[..., 0])


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(folder: Path) -> None:
    (folder / "a_broken.png").write_bytes(b"no image at all")
    (folder / "b_cut.jpg").write_bytes((folder / "e.jpg").read_bytes()[:200])
    picture("RGB", (1, 30)).save(folder / "c_thin.png")
    images = open_images([folder], 0, 10, size=16)
    found = np.concatenate([index for index, _ in images.batches(3)])
    assert [row.name for row in images.skipped] == ["a_broken.png", "b_cut.jpg", "c_thin.png"]
    assert sorted([*found, *(row.index for row in images.skipped)]) == list(range(11))
    assert "1 x 30 pixels" in images.skipped[2].reason


def test_a_huge_image_is_skipped_not_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # 40 x 30 is more than twice this
    images = open_images([folder], 0, 7, size=16)
    assert list(images.batches(8)) == [] and len(images.skipped) == 8
    assert "pixels" in images.skipped[0].reason


def test_a_zip_file_is_a_folder(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for entry in listing(folder):
            file.write(folder / entry.name, entry.name)
    (_, from_zip), (_, from_folder) = (next(open_images([path], 0, 7, 16).batches(8)) for path in (archive, folder))
    assert np.array_equal(from_zip, from_folder)


def test_asking_for_more_than_the_folder_holds_is_one_clear_line(folder: Path) -> None:
    with pytest.raises(ValueError, match="holds 8 images, 20 asked for"):
        first_entries(folder, 20)
    with pytest.raises(ValueError, match="no such folder"):
        listing(folder / "absent")


def test_a_changed_file_changes_the_listing(folder: Path) -> None:
    before = listing_digest(first_entries(folder, 8))
    assert listing_digest(first_entries(folder, 8)) == before
    picture("L").save(folder / "a.png")
    assert listing_digest(first_entries(folder, 8)) != before


@pytest.mark.golden
def test_resize_and_crop_are_the_published_ones(golden: GoldenFolder) -> None:
    stored = np.load(golden.path / "f_sampler_transform.npz")
    photo = golden.photo(golden.meta["photos"][0])
    names = [name.removesuffix("_crc32") for name in stored if name.startswith("t_") and name.endswith("_crc32")]
    names = [name for name in names if not name.endswith("_input")]
    assert names
    for name in names:
        width, height = map(int, name.removeprefix("t_").split("x"))
        resized = photo.resize((width, height), Image.Resampling.BICUBIC)
        assert zlib.crc32(resized.tobytes()) == int(stored[f"{name}_input_crc32"]), "the test's own input differs"
        fitted = fit(resized, 256)
        assert np.array_equal(fitted[0].T, stored[f"{name}_rows0"]), name
        assert zlib.crc32(fitted.tobytes()) == int(stored[f"{name}_crc32"]), name


def test_decode_accepts_bytes_of_any_common_format() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        data = io.BytesIO()
        picture("RGB").save(data, kind)
        assert decode(data.getvalue()).size == (40, 30)
