"""What an image file means: 8-bit RGB, the same bytes in every run, or a refusal that says why.

In this order, and nothing else:

1. The content decides the format, not the name. Formats of FORMATS are read; PostScript is never run.
2. Of several frames or pages the first counts; of an animated PNG whose first picture is only for viewers that cannot
   animate, the first frame of the animation.
3. Integers and floats become 8 bits by their type and range: see `colors.eight_bits`. TIFF in which zero is white is
   inverted.
4. Colors become sRGB: by the file's ICC profile, relative colorimetric with black point compensation, where it has a
   readable one that fits its mode, else by Pillow's own conversion of gray, palette, CMYK, YCbCr and Lab. Gamma and
   primaries of PNG without a profile are not looked at.
5. Transparent pixels are laid on a plain ground; what lies hidden below them never counts.
6. The image is turned upright by its orientation, of Exif or else of XMP. Nothing else of these is looked at.
"""

import functools
import importlib
import io
import re
import struct
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from lacuna.data.colors import BITS, SAMPLE_FORMAT, on_ground, sample_bits
from lacuna.errors import UserError

MAX_PIXELS = 178_956_970  # of one image, that at which Pillow too refuses
FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000"]
# Formats that a package of its own adds to Pillow: what their files begin with, the package, its function. An AVIF file
# may call itself mif1 too, and names itself avif only among the brands that follow.
PLUGINS = {
    "HEIF": (
        rb"....ftyp(?!.{4,60}avi[fs])(hei[cxms]|hev[cxms]|mif1|msf1)", "pillow_heif", "register_heif_opener",
        "pillow-heif",
    ),
    "JXL": (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "pillow_jxl", "", "pillow-jxl-plugin"),
}  # fmt: skip
OTHERS = {  # what a file may begin with that is no image that is read
    rb"(\xef\xbb\xbf|[\x04\s])*%!PS|\xc5\xd0\xd3\xc6": "PostScript, which is not run; convert it",
    rb"%PDF": "PDF; convert it",
    rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html)": "a web page, no image; download it again",
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg": "SVG; convert it",
    rb"version https://git-lfs": "a pointer of Git LFS; run `git lfs pull`",
}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # what TIFF and BigTIFF begin with
SAMPLES_PER_PIXEL = 277  # a tag of TIFF
TIFF_TYPES = {1: "integer", 2: "signed integer", 3: "float", 5: "complex", 6: "complex"}
SMALLEST_SIDE_PX = 8  # below this nothing can be recognized
LONGEST_REASON = 300  # characters
ORIENTATION = 274  # a tag of Exif
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
FRAMES = "lacuna_frames"  # key of Image.info: frames or pages in the file


def decode(data: bytes, ground: str = "white", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The image in the bytes of a file, as 8-bit RGB; `info[FRAMES]` says how many the file holds.

    Args:
        ground: color below transparent pixels, a name or #rrggbb.
        max_pixels: larger images are refused before they are decoded.

    Raises:
        UserError: it is no image that is read, or one whose values have no clear meaning.
        Exception: whatever else Pillow raises of a damaged file; `reason` words it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images, odd Exif, later frames
        opened, frames = _first_frame(data, max_pixels)
        with opened:
            opened.load()
            image = _upright(on_ground(opened, ground, sample_bits(opened, data)), _orientation(opened))
    if min(image.size) < SMALLEST_SIDE_PX:
        raise UserError(f"{image.width} x {image.height} pixels, expected at least {SMALLEST_SIDE_PX} a side")
    image.info = {FRAMES: frames}
    return image


def opened(data: bytes | NDArray[np.uint8], ground: str = "white") -> Image.Image:
    """The image in what a container holds: the bytes of a file, or pixels."""
    return decode(data, ground) if isinstance(data, bytes) else from_array(data)


def from_array(array: NDArray[Any]) -> Image.Image:
    """An image (H, W, 3) uint8 out of a file of arrays, in the form that `decode` gives."""
    image = Image.fromarray(array)
    image.info = {FRAMES: 1}
    return image


def reason(error: Exception) -> str:
    """Why an image cannot be read, in one line that is the same in every run: without addresses of objects."""
    if isinstance(error, MemoryError):
        return "memory does not suffice for it"
    text = printable(" ".join(str(error).split()))
    text = re.sub(r" ?<?[\w.]* ?object at 0x[0-9a-f]+>?| ?\b0x[0-9a-f]{6,}", "", text)[:LONGEST_REASON]
    return text if isinstance(error, UserError | OSError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def printable(name: str) -> str:
    """A file's name as text that can be stored and shown on one line: what cannot be, bytes that are no UTF-8 and
    control characters, is escaped.
    """
    return name if name.isprintable() else "".join(map(_escaped, name))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _first_frame(data: bytes, max_pixels: int) -> tuple[Image.Image, int]:
    """The file at the picture that counts, not loaded yet, and how many it holds: 1 where damage forbids to count."""
    opened = _opened(data)
    if opened.width * opened.height > max_pixels:
        raise UserError(f"{opened.width} x {opened.height} pixels, more than {max_pixels:,}; reduce it")
    try:
        frames = getattr(opened, "n_frames", 1)
        if frames > 1:
            opened.seek(1 if getattr(opened, "default_image", False) else 0)
    except Exception:
        opened, frames = _opened(data), 1  # a later page is damaged, which the first need not be
    if not isinstance(opened.info.get("xmp", b""), bytes | str):
        del opened.info["xmp"]  # Pillow would turn TIFF by it and fail
    return opened, frames


def _opened(data: bytes) -> Image.Image:
    """The file, opened but not loaded, in one of the formats that are read."""
    start = data[:512]
    for pattern, what in OTHERS.items():
        if re.match(pattern, start, re.DOTALL):
            raise UserError(what)
    formats = FORMATS
    for name, (pattern, *_, package) in PLUGINS.items():
        if re.match(pattern, start, re.DOTALL):
            if not _plugin(name):
                raise UserError(f"{name} image; install {package}, or convert it")
            formats = [name]
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise UserError(f"{str(error).partition(',')[0]}; reduce it") from None
    except Image.UnidentifiedImageError:
        if start.startswith(TIFF):
            raise UserError(_odd_tiff(data)) from None
        raise UserError("no image in a format that is read" if data else "an empty file") from None


def _odd_tiff(data: bytes) -> str:
    """What is the matter with a TIFF that Pillow cannot open: cut, or pixels of a kind that it does not know."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if b"+" in data[2:4] else 8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits, kind = (
            found[0] if isinstance(found, tuple) else found for found in (tags[BITS], tags.get(SAMPLE_FORMAT, 1))
        )
        samples = tags.get(SAMPLES_PER_PIXEL, 1)
        what = f"{samples} x {bits}-bit {TIFF_TYPES.get(kind, 'data')}"
        return f"TIFF of {what}: damaged, or of a kind that is not read; convert it to 8 bits"
    except (SyntaxError, LookupError, TypeError, ValueError, OSError, struct.error):
        return "a damaged TIFF, or no image"


@functools.cache
def _plugin(name: str) -> bool:
    """Whether the package that reads a format is installed; it is registered then."""
    _, module, function, _ = PLUGINS[name]
    try:
        imported = importlib.import_module(module)
    except ImportError:
        return False
    if function:
        getattr(imported, function)()
    return True


def _orientation(opened: Image.Image) -> int:
    """The Exif orientation, 1 where there is none or nothing of the kind can be read."""
    try:
        value = opened.getexif().get(ORIENTATION, 1)
        return int(value) if isinstance(value, int) else 1
    except Exception:
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image
