"""Image files made byte by byte: what other programs write and Pillow does not."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(0)
SCENE = np.kron(RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
GRAY = SCENE[..., 0].copy()
RIGHT = np.broadcast_to(np.arange(SCENE.shape[1]) >= 32, GRAY.shape)  # the half that is transparent in some files


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **more)
    return data.getvalue()


def raw_tiff(
    values_HW: np.ndarray,
    photometric: int,
    bits: int,
    sample_format: int = 1,
    order: str = "<",
    width: int | None = None,
    extra: int | None = None,
) -> bytes:
    """A baseline TIFF of one strip; `width` where a value is not one pixel, `extra` the meaning of a further sample."""
    samples = 1 if values_HW.ndim == 2 else values_HW.shape[2]
    data = values_HW.astype(values_HW.dtype.newbyteorder(order)).tobytes()
    height = values_HW.shape[0]
    tags = [
        (256, width or values_HW.shape[1]), (257, height), (258, bits), (259, 1), (262, photometric), (273, 0),
        (277, samples), (278, height), (279, len(data)), (339, sample_format),
    ]  # fmt: skip
    if extra is not None:
        tags.insert(9, (338, extra))
    end = 8 + 2 + 12 * len(tags) + 4
    lists = b""
    entries = b""
    for tag, value in tags:
        if tag in (258, 339) and samples > 2:
            entries += struct.pack(f"{order}HHLL", tag, 3, samples, end + len(lists))
            lists += struct.pack(f"{order}{samples}H", *[value] * samples)
        elif tag in (258, 339) and samples == 2:
            entries += struct.pack(f"{order}HHLHH", tag, 3, 2, value, value)
        else:
            entries += struct.pack(f"{order}HHLL", tag, 4, 1, value)
    lists += b"\0" * (len(lists) % 2)
    strip = struct.pack(f"{order}HHL", 273, 4, 1)
    entries = entries.replace(strip + struct.pack(f"{order}L", 0), strip + struct.pack(f"{order}L", end + len(lists)))
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HL", 42, 8)
    return head + struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}L", 0) + lists + data


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def raw_png(rows: Sequence[bytes], width: int, bits: int, color: int, key: Sequence[int] = ()) -> bytes:
    """A PNG of packed rows; `color` 0 gray, 2 RGB, 4 gray with alpha, 6 RGBA; `key` the transparent color."""
    header = struct.pack(">LLBBBBB", width, len(rows), bits, color, 0, 0, 0)
    transparent = png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    pixels = png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + transparent + pixels + png_chunk(b"IEND", b"")


def profile(space: bytes, tags: Sequence[tuple[bytes, bytes]], kind: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    """An ICC profile of version 2 with these tags and a white point."""
    white = b"".join(struct.pack(">l", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    words = b"a profile\0"
    described = b"desc\0\0\0\0" + struct.pack(">L", len(words)) + words + b"\0" * 80
    every = [(b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", b"XYZ \0\0\0\0" + white)]
    if not any(name == b"desc" for name, _ in tags):
        every.append((b"desc", described))
    every += tags
    table = body = b""
    for name, value in every:
        table += name + struct.pack(">LL", 132 + 12 * len(every) + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    head = struct.pack(">L", 132 + len(table) + len(body)) + b"\0\0\0\0\x02\x20\0\0" + kind + space + pcs
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + white + b"\0" * 48
    return head + struct.pack(">L", len(every)) + table + body


def curve(gamma: float) -> bytes:
    """A tone curve."""
    return b"curv\0\0\0\0" + struct.pack(">LH", 1, round(gamma * 256)) + b"\0\0"


def gray_profile(gamma: float) -> bytes:
    return profile(b"GRAY", [(b"kTRC", curve(gamma))])


def rgb_profile(gamma: float, name: bytes = b"a profile") -> bytes:
    """sRGB's primaries, as adapted to D50, with another tone curve."""
    primaries = {b"r": (0.4361, 0.2225, 0.0139), b"g": (0.3851, 0.7169, 0.0971), b"b": (0.1431, 0.0606, 0.7139)}
    tags = [(b"desc", b"desc\0\0\0\0" + struct.pack(">L", len(name) + 1) + name + b"\0" * 81)]
    for letter, values in primaries.items():
        xyz = b"".join(struct.pack(">l", round(value * 65536)) for value in values)
        tags += [(letter + b"XYZ", b"XYZ \0\0\0\0" + xyz), (letter + b"TRC", curve(gamma))]
    return profile(b"RGB ", tags)


def cmyk_profile() -> bytes:
    """A press whose paper is white and on which any ink leaves one middle gray: nothing that Pillow would guess."""
    corners = bytes([255, 128, 128]) + bytes([128, 128, 128]) * 15  # L, a, b; paper first
    identity = b"".join(struct.pack(">l", 65536 if k in (0, 4, 8) else 0) for k in range(9))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + bytes(range(256)) * 4 + corners + bytes(range(256)) * 3
    return profile(b"CMYK", [(b"A2B0", table), (b"A2B1", table)], b"prtr", b"Lab ")
