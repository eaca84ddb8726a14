"""A user's images: a folder, searched recursively, or a zip file.

Image i is the i-th file of the sorted listing, so it stays what it is whatever the count. One resize path: shorter
side to the size with PIL's antialiased bilinear filter, then the centre (as torchvision's Resize and CenterCrop do).
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lacuna.formats.areas import Skipped

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
RESIZE = "PIL bilinear, shorter side, centre crop"
SMALLEST_SIDE_PX = 8  # below this nothing can be recognised, so the image is skipped and named
Image.MAX_IMAGE_PIXELS = 100_000_000  # larger ones (PIL raises above twice this) are skipped and named


@dataclass(frozen=True, order=True)
class Entry:
    """One file: its name below the folder, size in bytes, modification time in ns."""

    name: str
    size: int
    modified_ns: int


class FolderImages:
    """Images `first` to `last` of a folder or zip file, as uint8 RGB of `size` x `size`."""

    def __init__(self, path: str | Path, first: int, last: int, size: int) -> None:
        self.skipped: list[Skipped] = []
        self._path = Path(path)
        self._size = size
        entries = listing(path)
        if last >= len(entries):
            raise ValueError(f"{path}: holds {len(entries)} images, images {first}-{last} asked for; lower the count")
        self._entries = list(enumerate(entries))[first : last + 1]

    @property
    def image_px(self) -> int:
        """Pixels of one image."""
        return self._size**2

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Yield the readable images in order, at most `batch_size` at a time; note the others in `skipped`."""
        self.skipped.clear()
        for start in range(0, len(self._entries), batch_size):
            index, images = [], []
            for number, entry in self._entries[start : start + batch_size]:
                try:
                    images.append(fit(decode(self._bytes(entry.name)), self._size))
                    index.append(number)
                except (
                    UnidentifiedImageError,
                    Image.DecompressionBombError,
                    OSError,
                    ValueError,
                    SyntaxError,
                ) as error:
                    self.skipped.append(Skipped(number, entry.name, " ".join(str(error).split())))
            if images:
                yield np.array(index, dtype=np.int64), np.stack(images)

    def _bytes(self, name: str) -> bytes:
        if self._path.is_dir():
            return (self._path / name).read_bytes()
        with zipfile.ZipFile(self._path) as archive:
            return archive.read(name)


def listing(path: str | Path) -> list[Entry]:
    """The image files of a folder or zip file, sorted by name.

    Raises:
        ValueError: no such folder or zip file, or no image in it.
    """
    root = Path(path)
    if root.is_dir():
        files = [file for file in root.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
        states = [(file, file.stat()) for file in files]
        entries = [Entry(file.relative_to(root).as_posix(), state.st_size, state.st_mtime_ns) for file, state in states]
    elif zipfile.is_zipfile(root):
        modified = root.stat().st_mtime_ns
        with zipfile.ZipFile(root) as archive:
            members = [member for member in archive.infolist() if Path(member.filename).suffix.lower() in SUFFIXES]
        entries = [Entry(member.filename, member.file_size, modified) for member in members]
    else:
        raise ValueError(f"{path}: no such folder or zip file, expected one with images; correct the source's path")
    if not entries:
        raise ValueError(f"{path}: no images in it, expected {', '.join(SUFFIXES)}; correct the source's path")
    return sorted(entries)


def first_entries(path: str | Path, count: int) -> list[Entry]:
    """The first `count` entries of the listing.

    Raises:
        ValueError: there are fewer.
    """
    entries = listing(path)
    if count > len(entries):
        raise ValueError(f"{path}: holds {len(entries)} images, {count} asked for; lower the source's count")
    return entries[:count]


def listing_digest(entries: Sequence[Entry]) -> str:
    """What says that the files of a folder source have changed."""
    return hashlib.sha256(repr(list(entries)).encode()).hexdigest()[:16]


def decode(data: bytes) -> Image.Image:
    """An image file as 8-bit RGB: upright, 16 bits scaled to 8, grey, palette and CMYK converted, alpha dropped."""
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
    if min(image.size) < SMALLEST_SIDE_PX:
        raise ValueError(f"{image.width} x {image.height} pixels, expected at least {SMALLEST_SIDE_PX} a side")
    if image.mode.startswith("I"):  # 16-bit grey: PIL's own conversion would clip at 255
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = Image.fromarray((values // 257).astype(np.uint8))
    return image.convert("RGB")


def fit(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8: shorter side brought to `size`, then the centre; Python's rounding, as published."""
    short, long = sorted(image.size)
    if short != size:
        scaled = int(size * long / short)
        shape = (size, scaled) if image.width <= image.height else (scaled, size)
        image = image.resize(shape, Image.Resampling.BILINEAR)
    left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
    return np.asarray(image.crop((left, top, left + size, top + size)))
