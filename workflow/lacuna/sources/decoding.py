"""What an image file means: 8-bit RGB, the same bytes in every run, or a refusal that says why.

In this order, and nothing else:

1. The content decides the format, not the name. Formats of FORMATS are read; PostScript is never run.
2. Of several frames or pages the first counts; of an animated PNG whose first picture is only for viewers that cannot
   animate, the first frame of the animation.
3. Integers and floats become 8 bits by their type and range: see `eight_bits`. TIFF in which zero is white is inverted.
4. Colors become sRGB: by the file's ICC profile, relative colorimetric, where it has a readable one that fits its mode,
   else by Pillow's own conversion of gray, palette, CMYK, YCbCr and Lab.
5. Transparent pixels are laid on a plain ground; what lies hidden below them never counts.
6. The image is turned upright by its Exif orientation. Whatever else Exif holds is not looked at.

Shape suffixes: H height, W width.
"""

import functools
import importlib
import io
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageColor

from lacuna.kit.errors import UserError

FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000"]
# Formats that a package of its own adds to Pillow: what their files begin with, the package, its function.
PLUGINS = {
    "HEIF": (rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", "pillow_heif", "register_heif_opener", "pillow-heif"),
    "JXL": (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "pillow_jxl", "", "pillow-jxl-plugin"),
}
OTHERS = {  # what a file may begin with that is no image that is read
    rb"%!PS|\xc5\xd0\xd3\xc6": "PostScript, which is not run; convert it",
    rb"%PDF": "PDF; convert it",
    rb"(?i)\s*<(!doctype html|html)": "a web page, no image; download it again",
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg": "SVG; convert it",
    rb"version https://git-lfs": "a pointer of Git LFS; run `git lfs pull`",
}
SMALLEST_SIDE_PX = 8  # below this nothing can be recognized
ORIENTATION, BITS, PHOTOMETRIC = 274, 258, 262  # tags of Exif and TIFF
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
PROFILE_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
FRAMES = "lacuna_frames"  # key of Image.info: frames or pages in the file


def decode(data: bytes, ground: str = "white") -> Image.Image:
    """The image in the bytes of a file, as 8-bit RGB; `info[FRAMES]` says how many the file holds.

    Args:
        ground: color below transparent pixels, a name or #rrggbb.

    Raises:
        UserError: it is no image that is read, or one whose values have no clear meaning.
        Exception: whatever else Pillow raises of a damaged file; `reason` words it.
    """
    with _opened(data) as opened:
        frames = getattr(opened, "n_frames", 1)
        if frames > 1:
            opened.seek(1 if getattr(opened, "default_image", False) else 0)
        opened.load()
        image = _upright(_on_ground(opened, ground), _orientation(opened))
    if min(image.size) < SMALLEST_SIDE_PX:
        raise UserError(f"{image.width} x {image.height} pixels, expected at least {SMALLEST_SIDE_PX} a side")
    image.info = {FRAMES: frames}
    return image


def from_array(array: NDArray[Any]) -> Image.Image:
    """An image (H, W, 3) uint8 out of a file of arrays, in the form that `decode` gives."""
    image = Image.fromarray(array)
    image.info = {FRAMES: 1}
    return image


def reason(error: Exception) -> str:
    """Why an image cannot be read, in one line that is the same in every run: without addresses of objects."""
    if isinstance(error, MemoryError):
        return "memory does not suffice for it"
    text = re.sub(r" ?<?[\w.]* ?object at 0x[0-9a-f]+>?| ?\b0x[0-9a-f]{6,}", "", " ".join(str(error).split()))
    return text if isinstance(error, UserError | OSError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def printable(name: str) -> str:
    """A file's name as text that can be stored and shown: bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def eight_bits(values_HW: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Gray values of any type as 8 bits.

    Floats from 0 to 1 are scaled, those up to 255 rounded. Integers of `bits` 9 to 16 are scaled by their full range,
    signed and wider ones by 255 or 65,535, whichever holds them.

    Raises:
        UserError: a value is not finite or out of these ranges, or all of a 16-bit image would be black.
    """
    if not np.isfinite(values_HW).all():
        raise UserError("holds NaN or infinity, expected finite pixels")
    low, high = values_HW.min(), values_HW.max()
    if low < 0 or high > 65535 or (high > 255 and values_HW.dtype.kind == "f"):
        most = "255" if values_HW.dtype.kind == "f" else "65,535"
        raise UserError(f"values from {low:g} to {high:g}, expected 0 to {most}; convert it to 8 bits")
    if values_HW.dtype.kind == "f":
        return (values_HW * (255.0 if high <= 1 else 1.0)).round().astype(np.uint8)
    full = 65535 if not 8 < bits < 16 else 2**bits - 1
    if bits > 16 and high <= 255:
        return values_HW.astype(np.uint8)
    if 0 < high < full / 255:
        raise UserError(f"{bits}-bit values that end at {high}, all of them black; convert it to 8 bits")
    return (values_HW.astype(np.int64) * 255 // full).astype(np.uint8)


def _opened(data: bytes) -> Image.Image:
    """The file, opened but not loaded, in one of the formats that are read."""
    start = data[:512]
    for pattern, what in OTHERS.items():
        if re.match(pattern, start, re.DOTALL):
            raise UserError(f"{what}")
    formats = FORMATS
    for name, (pattern, *_, package) in PLUGINS.items():
        if re.match(pattern, start, re.DOTALL):
            if not _plugin(name):
                raise UserError(f"{name} image; install {package}, or convert it")
            formats = [name]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images (twice as large is an error), odd Exif
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.UnidentifiedImageError:
        if start[:4] in (b"II*\0", b"MM\0*"):
            raise UserError("TIFF with pixels of a kind that is not read; convert it to 8 bits") from None
        raise UserError("no image in a format that is read" if data else "an empty file") from None


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


def _on_ground(opened: Image.Image, ground: str) -> Image.Image:
    """8-bit sRGB without transparency."""
    profile = opened.info.get("icc_profile")
    image: Image.Image = opened
    if opened.mode[0] in "IF":
        image = Image.fromarray(_grays(opened))
    if not opened.has_transparency_data or opened.mode[0] in "IF":
        return _srgb(image, profile)
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        return _srgb(image.convert("RGB"), profile)
    colors = _srgb(image.convert("RGB"), profile)
    plain = Image.new("RGB", image.size, ImageColor.getrgb(ground))
    return Image.composite(colors, plain, image.getchannel("A"))


def _grays(opened: Image.Image) -> NDArray[np.uint8]:
    """Gray values of more than 8 bits, as 8 bits; white where the file says that zero is white."""
    values_HW = np.asarray(opened)
    tags = getattr(opened, "tag_v2", {})
    bits = tags.get(BITS, 16)
    gray_HW = eight_bits(values_HW, int(bits[0] if isinstance(bits, tuple) else bits))
    return 255 - gray_HW if tags.get(PHOTOMETRIC) == 0 else gray_HW


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image as RGB, its colors brought to sRGB by an ICC profile that fits it, else as Pillow converts them."""
    mode = image.mode if image.mode in PROFILE_SPACES else "RGB"
    transform = _transform(profile, mode) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    found = ImageCms.applyTransform(image if image.mode == mode else image.convert(mode), transform)
    return found if found is not None else image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the space of an ICC profile to sRGB; None where it is sRGB, is of another mode, or cannot be read."""
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if found.profile.xcolor_space.strip() != PROFILE_SPACES[mode]:
            return None
        if "srgb" in ImageCms.getProfileDescription(found).lower():
            return None
        return ImageCms.buildTransform(
            found, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _orientation(opened: Image.Image) -> int:
    """The Exif orientation, 1 where there is none or nothing of the kind can be read."""
    try:
        value = opened.getexif().get(ORIENTATION, 1)
        return int(value) if isinstance(value, int) else 1
    except Exception:
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image
