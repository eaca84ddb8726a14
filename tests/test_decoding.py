"""What image files mean: the pixels that one sees, whatever the file keeps them in, or a refusal that says why."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import GRAY, SCENE, encoded, raw_tiff
from PIL import Image, ImageCms, TiffImagePlugin

from lacuna.data import FileImages
from lacuna.data.decoding import FRAMES, decode, printable, reason
from lacuna.data.preparation import Preparation, fit

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"


def pixels(data: bytes, **more: Any) -> np.ndarray:
    return np.asarray(decode(data, **more))


def gray(data: bytes) -> np.ndarray:
    found = pixels(data)
    assert (found == found[..., :1]).all()
    return found[..., 0]


# Transparency


def hidden(mode: str) -> Image.Image:
    """SCENE in the left half; in the right, fully transparent, other colors that nobody sees."""
    alpha = np.full(GRAY.shape, 255, np.uint8)
    alpha[:, 32:] = 0
    if mode == "LA":
        return Image.fromarray(np.dstack([GRAY, alpha]), "LA")
    return Image.fromarray(np.dstack([SCENE, alpha]), "RGBA")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(("ground", "value"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_hidden_colors_never_count(kind: str, mode: str, ground: str, value: int) -> None:
    if kind == "WEBP" and mode == "LA":
        pytest.skip("WebP has no gray images")
    more = {"lossless": True} if kind == "WEBP" else {}
    found = pixels(encoded(hidden(mode), kind, **more), ground=ground)
    assert (found[:, 32:] == value).all()
    assert (found[:, :32] == (SCENE if mode == "RGBA" else GRAY[..., None])[:, :32]).all()


def test_a_transparent_palette_entry_and_a_color_key_are_ground() -> None:
    flat = Image.fromarray(np.where(np.arange(64) < 32, 10, 200).astype(np.uint8)[None].repeat(48, 0))
    palette = flat.convert("P")
    for transparency in (palette.getpixel((0, 0)), bytes([0] * 11 + [255] * 245)):  # an index; an alpha for each entry
        found = gray(encoded(palette, transparency=transparency))
        assert (found[:, :32] == 255).all() and (found[:, 32:] == 200).all()
    found = gray(encoded(flat.convert("RGB"), transparency=(200, 200, 200)))
    assert (found[:, :32] == 10).all() and (found[:, 32:] == 255).all()


def test_half_transparent_pixels_are_mixed() -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 128))
    assert (pixels(encoded(image)) == 127).all()


# Types and ranges


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_are_scaled(order: str) -> None:
    assert (gray(raw_tiff(GRAY.astype(np.uint16) * 257, 1, 16, order=order)) == GRAY).all()


@pytest.mark.parametrize(
    ("values", "bits", "sample_format"),
    [
        (255 - GRAY, 8, 1),
        ((65535 - GRAY.astype(np.uint16) * 257).astype(np.uint16), 16, 1),
        ((1 - GRAY / 255).astype(np.float32), 32, 3),
    ],
    ids=["8 bits", "16 bits", "float"],
)
def test_white_is_zero_at_any_depth(values: np.ndarray, bits: int, sample_format: int) -> None:
    assert np.abs(gray(raw_tiff(values, 0, bits, sample_format)).astype(int) - GRAY).max() <= 1


@pytest.mark.parametrize(
    ("values", "bits", "sample_format"),
    [
        ((GRAY / 255).astype(np.float32), 32, 3),
        (GRAY.astype(np.float32), 32, 3),
        (GRAY.astype(np.int32), 32, 2),
        (GRAY.astype(np.int32) * 257, 32, 2),
    ],
    ids=["float to 1", "float to 255", "integer to 255", "integer to 65535"],
)
def test_wide_values_count_by_their_range(values: np.ndarray, bits: int, sample_format: int) -> None:
    assert np.abs(gray(raw_tiff(values, 1, bits, sample_format)).astype(int) - GRAY).max() <= 1


@pytest.mark.parametrize(
    ("values", "bits", "sample_format", "words"),
    [
        (np.full((9, 9), np.nan, np.float32), 32, 3, "NaN or infinity"),
        (np.full((9, 9), -1.0, np.float32), 32, 3, "values from -1 to -1, expected 0 to 1 or 0 to 255"),
        (np.full((9, 9), 1000.0, np.float32), 32, 3, "values from 1000 to 1000, expected 0 to 1 or 0 to 255"),
        (np.full((9, 9), 70000, np.int32), 32, 2, "expected 0 to 255 or 0 to 65,535; convert it to 8 bits"),
        (np.full((9, 9), -5, np.int32), 32, 2, "values from -5 to -5"),
        (GRAY.astype(np.uint16), 16, 1, "16-bit integer values that end at .* of 65,535, nearly black"),
        (
            np.dstack([GRAY / 255] * 3).astype(np.float32),
            32,
            3,
            "TIFF of 3 x 32-bit float: damaged, or of a kind that is not read",
        ),
    ],
)
def test_values_without_a_clear_meaning_are_refused_never_black(
    values: np.ndarray, bits: int, sample_format: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        decode(raw_tiff(values, 2 if values.ndim == 3 else 1, bits, sample_format))


def test_a_black_sixteen_bit_image_is_black() -> None:
    assert (gray(raw_tiff(np.zeros((16, 16), np.uint16), 1, 16)) == 0).all()


# Colors


def in_profile(image: Image.Image, gamma: float) -> tuple[Image.Image, bytes]:
    """The image's colors as values of a profile like sRGB's with another gamma, and that profile."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = b"curv\0\0\0\0" + struct.pack(">LH", 1, round(gamma * 256)) + b"\0\0"
    number = struct.unpack(">L", profile[128:132])[0]
    for k in range(number):
        place = 132 + 12 * k
        if bytes(profile[place : place + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            profile[place + 4 : place + 12] = struct.pack(">LL", len(profile), len(curve))
        if bytes(profile[place : place + 4]) == b"desc":
            start, size = struct.unpack(">LL", profile[place + 4 : place + 12])
            words = bytes(profile[start : start + size])
            for old in (b"sRGB", "sRGB".encode("utf-16-be")):
                words = words.replace(old, old.replace(b"s", b"t").replace(b"RGB", b"RGB"))
            profile[start : start + size] = words
    profile += curve
    profile[:4] = struct.pack(">L", len(profile))
    target = ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile)))
    values = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), target, outputMode="RGB")
    return values, bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_converted_to_srgb(kind: str) -> None:
    scene = Image.fromarray(SCENE)
    values, profile = in_profile(scene, 1.4)
    assert np.abs(np.asarray(values).astype(int) - SCENE).mean() > 10  # other numbers for the same colors
    more = {"lossless": True} if kind == "WEBP" else {}
    found = pixels(encoded(values, kind, icc_profile=profile, **more))
    assert np.abs(found.astype(int) - SCENE).mean() < 2  # 8-bit values of two curves, rounded twice


@pytest.mark.parametrize("profile", [b"not a profile" * 20, b"", b"\0" * 128])
def test_a_broken_profile_is_as_none(profile: bytes) -> None:
    assert (pixels(encoded(Image.fromarray(SCENE), icc_profile=profile)) == SCENE).all()


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (pixels(encoded(Image.fromarray(SCENE), icc_profile=profile)) == SCENE).all()


def test_a_gray_image_with_a_profile_for_rgb_is_read_without_it() -> None:
    _, profile = in_profile(Image.fromarray(SCENE), 1.4)
    assert (gray(encoded(Image.fromarray(GRAY), icc_profile=profile)) == GRAY).all()


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_color_models_show_the_same_colors(mode: str) -> None:
    scene = Image.fromarray(SCENE)
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        changed = ImageCms.profileToProfile(scene, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        changed = scene.convert(mode)
    found = pixels(encoded(changed, "TIFF"))
    assert np.abs(found.astype(int) - SCENE).mean() < 3  # 8 bits in another space


# Orientation


TURNED = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_images_are_turned_upright(kind: str, orientation: int) -> None:
    how = TURNED[orientation]
    image = Image.fromarray(SCENE) if how is None else Image.fromarray(SCENE).transpose(how)
    if kind == "TIFF":
        directory = TiffImagePlugin.ImageFileDirectory_v2()
        directory[274] = orientation
        data = encoded(image, "TIFF", tiffinfo=directory)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        data = encoded(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    assert (pixels(data) == SCENE).all()


@pytest.mark.parametrize(
    "entries",
    [
        [(274, 2, 2, b"6\0\0\0")],
        [(274, 3, 1, b"\x09\0\0\0")],
        [(256, 2, 4, b"abc\0"), (34665, 2, 4, b"abc\0")],
        [(34853, 4, 1, struct.pack("<L", 65000))],
        [(33434, 5, 1, struct.pack("<L", 9999))],
    ],
    ids=["text", "nine", "text for numbers", "a directory nowhere", "a fraction nowhere"],
)
def test_broken_exif_does_not_decide_whether_an_image_is_read(entries: list[tuple[int, int, int, bytes]]) -> None:
    body = b"".join(struct.pack("<HHL", *entry[:3]) + entry[3] for entry in entries)
    exif = b"Exif\0\0II" + struct.pack("<HLH", 42, 8, len(entries)) + body + struct.pack("<L", 0)
    data = encoded(Image.fromarray(SCENE), "JPEG", quality=95, subsampling=0, exif=exif)
    assert pixels(data).shape == SCENE.shape


def test_xmp_of_no_text_in_a_tiff_does_not_decide_whether_it_is_read() -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[274], directory[700] = 6, 7  # XMP as a number
    directory.tagtype[700] = 4
    stored = Image.fromarray(SCENE).transpose(TURNED[6])
    assert (pixels(encoded(stored, "TIFF", tiffinfo=directory)) == SCENE).all()


def test_no_bytes_of_exif_make_sound_pixels_unreadable() -> None:
    exif = b"Exif\0\0II*\0" + struct.pack("<LH", 8, 3) + struct.pack("<HHLL", 274, 3, 1, 6)
    exif += struct.pack("<HHLL", 34665, 4, 1, 50) + struct.pack("<HHLL", 34853, 4, 1, 60) + bytes(range(60))
    jpeg, png = (encoded(Image.fromarray(SCENE), kind) for kind in ("JPEG", "PNG"))
    random = np.random.default_rng(1)
    for _ in range(300):
        spoilt = bytearray(exif)
        for place in random.integers(6, len(exif), 5):
            spoilt[place] = random.integers(256)
        chunk = struct.pack(">L", len(spoilt) - 6) + b"eXIf" + spoilt[6:]
        chunk += struct.pack(">L", zlib.crc32(chunk[4:]))
        segment = b"\xff\xe1" + struct.pack(">H", len(spoilt) + 2) + spoilt
        for data in (jpeg[:2] + segment + jpeg[2:], png[:33] + chunk + png[33:]):
            assert sorted(pixels(data).shape) == sorted(SCENE.shape), bytes(spoilt)


# Frames


def test_the_first_of_several_frames_counts_and_that_there_were_more_is_known() -> None:
    first, second = Image.fromarray(SCENE), Image.fromarray(SCENE[::-1].copy())
    for kind, more in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        image = decode(encoded(first, kind, save_all=True, append_images=[second], **more))
        assert (np.asarray(image) == SCENE).all() and image.info[FRAMES] == 2, kind
    assert decode(encoded(first)).info[FRAMES] == 1


def test_the_fallback_picture_of_an_animated_png_does_not_count() -> None:
    fallback, first = Image.new("RGB", (64, 48), "magenta"), Image.fromarray(SCENE)
    second = Image.fromarray(SCENE[::-1].copy())
    data = encoded(fallback, save_all=True, append_images=[first, second], default_image=True)
    assert (pixels(data) == SCENE).all()


@pytest.mark.parametrize("brand", [b"mif1", b"msf1", b"avif"])
def test_avif_is_known_by_any_of_its_brands(brand: bytes) -> None:
    data = encoded(Image.fromarray(SCENE), "AVIF", quality=100)
    assert pixels(data[:8] + brand + data[12:]).shape == SCENE.shape


# What is no image


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript, which is not run"),
        (b"\xc5\xd0\xd3\xc6" + b"\0" * 60, "PostScript"),
        (b"\x04%!PS-Adobe-3.0\n", "PostScript"),
        (b"\n\xef\xbb\xbf %!PS\n", "PostScript"),
        (b"II*\0" + b"\xff" * 60, "a damaged TIFF"),
        (b"MM\0+" + b"\0" * 60, "a damaged TIFF"),
        (b"  <!DOCTYPE html><title>404</title>", "a web page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIF image; install pillow-heif, or convert it"),
        (b"\xff\x0a" + b"\0" * 40, "JXL image; install pillow-jxl-plugin, or convert it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "an empty file"),
        (b"\0" * 100, "no image in a format that is read"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        decode(data)
    assert "0x" not in reason(caught.value)


class OddError(Exception):
    """What a library may raise of its own."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "memory does not suffice for it"),
        (OddError("bad <_io.BytesIO object at 0x7f00aa> here"), "OddError: bad here"),
        (KeyError("exif"), "KeyError: 'exif'"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_whatever_one_image_raises_leaves_it_out_by_name(error: Exception, expected: str) -> None:
    def read(name: str) -> bytes:
        if name != "sound.png":
            raise error
        return encoded(Image.fromarray(SCENE))

    images = FileImages(["latin\udce9.png", "sound.png"], 0, read, Preparation(32))
    assert [index.tolist() for index, _ in images.batches(4)] == [[1]]
    assert [(row.index, row.name, row.reason) for row in images.skipped] == [(0, r"latin\xe9.png", expected)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("é e\u0301 中 😀.png", "é e\u0301 中 😀.png"),
        ("latin\udce9.png", r"latin\xe9.png"),
        ("half a pair\ud800", r"half a pair\ud800"),
        ("new\nline\tand\0nothing", r"new\nline\tand\x00nothing"),
        ("\x1b[31mred\u202egnp.", r"\x1b[31mred\u202egnp."),
        ("back\\slash", "back\\slash"),
    ],
)
def test_names_can_be_stored_and_shown_on_one_line(name: str, expected: str) -> None:
    assert printable(name) == expected and expected.encode()


def test_a_reason_is_one_short_line_of_text() -> None:
    found = reason(RuntimeError("a\0b\ud800\n" + "long " * 1000))
    assert found.startswith(r"RuntimeError: a\x00b\ud800 long") and len(found) < 330


def test_later_images_are_read_where_one_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Image.Image.convert

    def convert(image: Image.Image, *args: Any, **more: Any) -> Image.Image:
        if image.mode == "CMYK":
            raise MemoryError
        return whole(image, *args, **more)

    monkeypatch.setattr(Image.Image, "convert", convert)
    files = {"a": Image.new("CMYK", (16, 16)), "b": Image.new("L", (16, 16))}
    images = FileImages(list(files), 0, lambda name: encoded(files[name], "TIFF"), Preparation(16))
    assert [index.tolist() for index, _ in images.batches(2)] == [[1]]
    assert images.skipped[0].reason == "memory does not suffice for it"


def test_the_largest_size_is_an_argument_and_nothing_of_the_process() -> None:
    data = encoded(Image.fromarray(SCENE))
    with pytest.raises(ValueError, match="64 x 48 pixels, more than 3,071; reduce it"):
        decode(data, max_pixels=3071)
    assert decode(data, max_pixels=3072).size == (64, 48)
    script = (
        "from PIL import Image; before = Image.MAX_IMAGE_PIXELS; from lacuna.stages import gather, invert, segment; "
    )
    script += "assert Image.MAX_IMAGE_PIXELS == before"
    subprocess.run([sys.executable, "-c", script], cwd=WORKFLOW, check=True)


def test_nothing_is_given_to_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*words: object, **more: object) -> None:
        raise AssertionError(f"started {words}")

    monkeypatch.setattr(subprocess, "Popen", started)
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\n0 0 64 48 rectfill showpage\n"
    before = [
        b"",
        b"\x04",
        b" ",
        b"\xef\xbb\xbf",
        b"\xc5\xd0\xd3\xc6" + struct.pack("<6LH", 30, len(page), 0, 0, 0, 0, 0),
    ]
    for start in before:
        with pytest.raises(ValueError, match="PostScript, which is not run"):
            decode(start + page)


# Long images


@pytest.mark.parametrize("shape", [(8, 300_000), (300_000, 8)])
def test_long_thin_images_are_cropped_before_they_are_resized(shape: tuple[int, int]) -> None:
    script = f"""
import resource
from PIL import Image
from lacuna.data.preparation import fit
image = Image.new("RGB", {shape}, (10, 200, 30))
fit(Image.new("RGB", (300, 300)), 256)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = fit(image, 256)
assert (found == [10, 200, 30]).all() and found.shape == (256, 256, 3)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown_kb = int(subprocess.run([sys.executable, "-c", script], cwd=WORKFLOW, capture_output=True, check=True).stdout)
    assert grown_kb < 200_000  # resized whole, it would take 7 GB


def test_the_middle_of_a_long_image_is_what_counts() -> None:
    strip = np.zeros((10, 400, 3), np.uint8)
    strip[:, 195:205] = 255
    assert (fit(Image.fromarray(strip), 10) == 255).all()


def test_a_long_image_is_cropped_before_it_goes_through_jpeg() -> None:
    strip = Image.new("RGB", (70_000, 8), (10, 200, 30))  # more than a JPEG can be wide
    found = Preparation(16, jpeg_quality=90)(strip).astype(int)
    assert np.abs(found - [10, 200, 30]).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_long_file_is_read_in_little_memory_from_its_bytes_to_the_end(kind: str) -> None:
    script = f"""
import io, resource
import numpy as np
from PIL import Image
from lacuna.data import FileImages
from lacuna.data.preparation import Preparation
def read(name):
    data, size = io.BytesIO(), (64, 64) if name == "small" else (8, 300_000)
    Image.new("RGBA", size, (10, 200, 30, 128)).save(data, "{kind}")
    return data.getvalue()
assert len(list(FileImages(["small"], 0, read, Preparation(256)).batches(1))) == 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images = FileImages(["long"], 0, read, Preparation(256))
assert len(list(images.batches(1))) == 1 and images.resolutions == (8, 8), images.skipped
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown_kb = int(subprocess.run([sys.executable, "-c", script], cwd=WORKFLOW, capture_output=True, check=True).stdout)
    assert grown_kb < 200_000


def test_a_text_bomb_in_a_png_is_left_out() -> None:
    data = encoded(Image.fromarray(SCENE))
    text = b"comment\0\0" + zlib.compress(b"x" * 40_000_000)
    chunk = struct.pack(">L", len(text)) + b"zTXt" + text + struct.pack(">L", zlib.crc32(b"zTXt" + text))
    images = FileImages(["a"], 0, lambda name: data[:33] + chunk + data[33:], Preparation(32))
    assert not list(images.batches(1)) and "too large" in images.skipped[0].reason
