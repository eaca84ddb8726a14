"""What the pixels of a file mean: transparency, depth, range and color space of every kind that a file may state."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from image_files import (
    GRAY,
    RIGHT,
    SCENE,
    cmyk_profile,
    encoded,
    gray_profile,
    png_chunk,
    raw_png,
    raw_tiff,
    rgb_profile,
)  # fmt: skip
from PIL import Image

from lacuna.data import colors
from lacuna.data.decoding import FRAMES, decode

HIDDEN = np.where(RIGHT, 0, 255).astype(np.uint8)  # alpha
DEEP = GRAY.astype(np.uint16) * 257
DEEP_SCENE = SCENE.astype(np.uint16) * 257


def pixels(data: bytes, **more: Any) -> np.ndarray:
    return np.asarray(decode(data, **more)).astype(int)


def rows_of(values: np.ndarray) -> list[bytes]:
    """Rows of a PNG of 8 or 16 bits."""
    return [row.astype(">u2" if values.dtype == np.uint16 else "u1").tobytes() for row in values]


def packed(values_HW: np.ndarray, bits: int) -> list[bytes]:
    """Rows of several values in one byte."""
    digits = (values_HW[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1)).tobytes() for row in digits]


# Transparency


def key_of_gray(bits: int) -> tuple[bytes, np.ndarray]:
    """A gray PNG whose right half is of the transparent value 1, and what is seen of it."""
    values = np.maximum(GRAY.astype(np.uint16) * (257 if bits == 16 else 1) >> (8 - bits if bits < 8 else 0), 2)
    values = np.where(RIGHT, 1, values).astype(np.uint16 if bits == 16 else np.uint8)
    rows = rows_of(values) if bits >= 8 else packed(values, bits)
    return raw_png(rows, GRAY.shape[1], bits, 0, [1]), np.where(RIGHT, 255, values * 255.0 // (2**bits - 1)).astype(int)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_a_gray_that_a_png_calls_transparent_is_ground_at_any_depth(bits: int) -> None:
    data, seen_HW = key_of_gray(bits)
    assert (pixels(data)[..., 0] == seen_HW).all()
    assert (pixels(data, ground="black")[RIGHT] == 0).all()


def test_a_deep_color_that_a_png_calls_transparent_is_ground() -> None:
    key = (12345, 22222, 333)
    data = raw_png(rows_of(np.where(RIGHT[..., None], key, DEEP_SCENE).astype(np.uint16)), 64, 16, 2, key)
    assert (pixels(data) == np.where(RIGHT[..., None], 255, SCENE)).all()


@pytest.mark.parametrize(
    "data",
    [
        raw_png(rows_of(np.dstack([DEEP, HIDDEN.astype(np.uint16) * 257])), 64, 16, 4),
        encoded(Image.fromarray(np.dstack([GRAY, HIDDEN]), "LA"), "JPEG2000"),
        raw_tiff(np.dstack([GRAY, HIDDEN]), 1, 8, extra=2),
        raw_tiff(np.dstack([np.where(RIGHT, 0, GRAY).astype(np.uint8), HIDDEN]), 1, 8, extra=1),
    ],
    ids=["PNG of 16 bits", "JPEG 2000", "TIFF", "TIFF with colors multiplied by alpha"],
)
def test_gray_with_alpha_shows_the_ground(data: bytes) -> None:
    assert (pixels(data) == np.where(RIGHT, 255, GRAY)[..., None]).all()


@pytest.mark.parametrize(
    "data",
    [
        raw_png(rows_of(np.dstack([DEEP_SCENE, HIDDEN.astype(np.uint16) * 257])), 64, 16, 6),
        raw_tiff(np.dstack([DEEP_SCENE, HIDDEN.astype(np.uint16) * 257]), 2, 16, extra=2),
        encoded(Image.fromarray(np.dstack([SCENE, HIDDEN]), "RGBA"), "JPEG2000"),
    ],
    ids=["PNG of 16 bits", "TIFF of 16 bits", "JPEG 2000"],
)
def test_colors_with_alpha_show_the_ground(data: bytes) -> None:
    assert (pixels(data) == np.where(RIGHT[..., None], 255, SCENE)).all()


def test_palettes_with_alpha_of_their_own_and_animations_with_a_transparent_index_show_the_ground() -> None:
    gray = np.where(RIGHT, 3, np.maximum(GRAY, 4)).astype(np.uint8)
    seen = np.where(RIGHT, 255, gray)[..., None]
    with_alpha = Image.fromarray(gray).convert("P").convert("PA")
    with_alpha.putalpha(Image.fromarray(HIDDEN))
    assert (pixels(encoded(with_alpha, "TIFF")) == seen).all()
    assert (pixels(encoded(Image.fromarray(gray), "GIF", transparency=3)) == seen).all()


# Depth and range


def test_twelve_bits_are_scaled_by_their_own_range() -> None:
    values = (GRAY.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    rows = np.stack([np.frombuffer(row, np.uint8) for row in packed(values, 12)])
    found = pixels(raw_tiff(rows, 1, 12, width=64))[..., 0]
    assert np.abs(found - GRAY).max() <= 1  # rounded down twice


@pytest.mark.parametrize("most", [100, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("kind", [b"P5", b"P6"], ids=["PGM", "PPM"])
def test_netpbm_is_scaled_by_the_range_that_it_states(most: int, kind: bytes) -> None:
    values = (GRAY if kind == b"P5" else SCENE).astype(np.uint32) * most // 255
    body = values.astype(">u2" if most > 255 else "u1").tobytes()
    found = pixels(kind + f"\n64 48\n{most}\n".encode() + body)
    assert np.abs(found - (GRAY[..., None] if kind == b"P5" else SCENE)).max() <= 255 // most + 1


def test_portable_float_maps_are_floats() -> None:
    data = b"Pf\n64 48\n-1.0\n" + (GRAY[::-1] / 255).astype("<f4").tobytes()
    assert (pixels(data)[..., 0] == GRAY).all()


@pytest.mark.parametrize(
    ("values", "bits"),
    [((GRAY // 2).astype(np.int8), 8), ((GRAY.astype(int) * 32767 // 255).astype(np.int16), 16)],
    ids=["8 bits", "16 bits"],
)
def test_signed_values_reach_white_at_the_end_of_their_range(values: np.ndarray, bits: int) -> None:
    assert np.abs(pixels(raw_tiff(values, 1, bits, 2))[..., 0] - GRAY).max() <= 2  # 7 bits are left of 8


@pytest.mark.parametrize(
    ("values", "bits", "sample_format", "words"),
    [
        ((GRAY.astype(int) - 128).astype(np.int8), 8, 2, "8-bit integer values from -"),
        ((DEEP.astype(int) - 32768).astype(np.int16), 16, 2, "16-bit integer values from -"),
        (np.full((9, 9), 4_000_000_000, np.uint32), 32, 1, "values from 4e\\+09 to 4e\\+09, expected 0 to 255 or"),
        (GRAY.astype(np.uint16) * 16, 16, 1, "end at [34]... of 65,535, nearly black"),
        (GRAY.astype(np.int32) * 4, 32, 2, "of 65,535, nearly black"),
        ((GRAY > 99).astype(np.int32), 32, 2, "end at 1 of 255, nearly black"),
        ((GRAY / 100).astype(np.float32), 32, 3, "32-bit float values that end at 2.* of 255, nearly black"),
        (DEEP.astype(np.float32), 32, 3, "expected 0 to 1 or 0 to 255"),
        (np.where(RIGHT, np.inf, GRAY).astype(np.float32), 32, 3, "NaN or infinity"),
        (np.where(RIGHT, -np.inf, 0).astype(np.float32), 32, 3, "NaN or infinity"),
        (GRAY / 255, 64, 3, "TIFF of 1 x 64-bit float"),
        ((GRAY / 255).astype(np.float16), 16, 3, "TIFF of 1 x 16-bit float"),
        ((SCENE // 2).astype(np.int8), 8, 2, "TIFF of 3 x 8-bit signed integer"),
        (SCENE.astype(np.uint16) * 16, 16, 1, "16-bit colors that end at 15 of 255, nearly black"),
        (SCENE.astype(np.uint16), 16, 1, "16-bit colors that end at 0 of 255, nearly black"),
    ],
)
def test_what_would_be_black_or_wrapped_is_refused(
    values: np.ndarray, bits: int, sample_format: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        decode(raw_tiff(values, 2 if values.ndim == 3 else 1, bits, sample_format))


def test_deep_colors_of_a_png_that_are_nearly_black_are_refused_and_shallow_ones_are_not() -> None:
    with pytest.raises(ValueError, match="16-bit colors that end at"):
        decode(raw_png(rows_of(SCENE.astype(np.uint16) * 8), 64, 16, 2))
    assert (pixels(encoded(Image.fromarray(SCENE // 32))) == SCENE // 32).all()


# Color spaces


def light(values: np.ndarray) -> np.ndarray:
    """What sRGB's curve makes of values, 0 to 255 in light."""
    share = values / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def test_a_profile_is_known_by_what_it_does_not_by_its_name() -> None:
    linear = (light(SCENE) * 255).round().astype(np.uint8)
    found = pixels(encoded(Image.fromarray(linear), icc_profile=rgb_profile(1.0, b"Linear sRGB")))
    shown = linear >= 16  # below, one step in light is many in sRGB
    assert np.abs(found - SCENE)[shown].max() <= 4


GRAYS: dict[str, Callable[[np.ndarray], bytes]] = {
    "L": lambda values: encoded(Image.fromarray(values), icc_profile=gray_profile(1.0)),
    "LA": lambda values: encoded(Image.fromarray(np.dstack([values, HIDDEN]), "LA"), icc_profile=gray_profile(1.0)),
    "JPEG": lambda values: encoded(Image.fromarray(values), "JPEG", quality=100, icc_profile=gray_profile(1.0)),
}


@pytest.mark.parametrize("kind", GRAYS)
def test_a_gray_profile_is_converted(kind: str) -> None:
    linear = (light(GRAY) * 255).round().astype(np.uint8)
    found = pixels(GRAYS[kind](linear))[..., 0]
    shown = (linear >= 16) & ~RIGHT  # below, one step in light is many in sRGB
    assert np.abs(found - GRAY)[shown].max() <= 4
    assert (found[RIGHT] == 255).all() or kind != "LA"


def test_deep_gray_with_a_profile_is_converted() -> None:
    deep = (light(GRAY) * 65535).round().astype(np.uint16)
    data = raw_png(rows_of(deep), 64, 16, 0)
    data = data[:33] + png_chunk(b"iCCP", b"a\0\0" + zlib.compress(gray_profile(1.0))) + data[33:]
    shown = deep >= 16 * 257
    assert np.abs(pixels(data)[..., 0] - GRAY)[shown].max() <= 4


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_is_read_by_its_profile_whatever_way_round_the_file_keeps_its_inks(kind: str) -> None:
    more = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    inks = np.zeros((16, 32, 4), np.uint8)
    inks[:, 16:, 3] = 255
    image = Image.fromarray(inks, "CMYK")
    plain = pixels(encoded(image, kind, **more))
    by_profile = pixels(encoded(image, kind, icc_profile=cmyk_profile(), **more))
    assert (plain[:, :16] == 255).all() and (plain[:, 16:] == 0).all()
    assert (by_profile[:, :16] == 255).all()
    assert np.abs(by_profile[:, 16:] - 119).max() <= 2  # sRGB's byte for lightness 50, in the 8 bits of the table


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_a_profile_of_rgb_reaches_colors_with_alpha_and_palettes_and_not_inks(mode: str) -> None:
    image = Image.fromarray(SCENE).quantize(256) if mode == "P" else Image.fromarray(SCENE).convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    plain, changed = (pixels(encoded(image, kind, icc_profile=found)) for found in (b"", rgb_profile(1.0)))
    assert (plain == changed).all() == (mode == "CMYK")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:200],
        lambda data: data[:12] + b"link" + data[16:],
        lambda data: data[:12] + b"nmcl" + data[16:],
        lambda data: data[:300] + b"\xff" * 120 + data[420:],
        lambda data: data[:16] + b"XYZW" + data[20:],
        lambda data: data[:36] + b"nope" + data[40:],
    ],
    ids=["cut", "between devices", "named colors", "garbled", "of an unknown space", "without signature"],
)
def test_a_profile_that_cannot_be_used_is_as_none(spoil: Callable[[bytes], bytes]) -> None:
    assert (pixels(encoded(Image.fromarray(SCENE), icc_profile=spoil(rgb_profile(1.0)))) == SCENE).all()


def test_a_profile_is_read_once_for_all_files_that_hold_it() -> None:
    colors._transform.cache_clear()
    for _ in range(5):
        decode(encoded(Image.fromarray(SCENE), icc_profile=rgb_profile(1.4)))
    assert colors._transform.cache_info().misses == 1


# Frames


def two_pages() -> bytes:
    return encoded(Image.fromarray(SCENE), "TIFF", save_all=True, append_images=[Image.fromarray(SCENE[::-1].copy())])


@pytest.mark.parametrize("place", [10**8, 10, 8], ids=["nowhere", "in the pixels", "in the head"])
def test_a_damaged_later_page_does_not_cost_the_first(place: int) -> None:
    data = two_pages()
    start = struct.unpack("<L", data[4:8])[0]
    following = start + 2 + 12 * struct.unpack("<H", data[start : start + 2])[0]
    found = decode(data[:following] + struct.pack("<L", place) + data[following + 4 :])
    assert (np.asarray(found) == SCENE).all() and found.info[FRAMES] >= 1


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_an_animation_cut_after_its_first_frame_gives_that(kind: str) -> None:
    first, second = Image.fromarray(GRAY), Image.fromarray(GRAY[::-1].copy())
    data = encoded(first, kind, save_all=True, append_images=[second])
    assert (pixels(data[:-60])[..., 0] == GRAY).all()


def test_an_animation_of_one_frame_beside_its_fallback_picture_gives_the_frame() -> None:
    fallback = Image.new("RGB", (64, 48), "magenta")
    data = encoded(fallback, save_all=True, append_images=[Image.fromarray(SCENE)], default_image=True)
    assert (pixels(data) == SCENE).all()
