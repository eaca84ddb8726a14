"""From the pixels that an opened file holds, of any type and color model, to 8-bit sRGB on a plain ground.

Shape suffixes: H height, W width.
"""

import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageColor

from lacuna.errors import UserError

DARKEST = 16  # of 255: the brightest value of deep pixels that come out darker was meant for another range
BITS, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
SIGNED = 2  # a SAMPLE_FORMAT
PROFILE_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
STRAIGHT = {"La": "LA", "RGBa": "RGBA"}  # modes whose colors are multiplied by alpha, and the same with colors as such


def on_ground(opened: Image.Image, ground: str, bits: int) -> Image.Image:
    """8-bit sRGB without transparency.

    Args:
        opened: a loaded file.
        ground: color below transparent pixels, a name or #rrggbb.
        bits: of a sample in the file.

    Raises:
        UserError: the values have no clear meaning.
    """
    profile = opened.info.get("icc_profile")
    if opened.mode[0] in "IF":
        values_HW = _values(opened, bits)
        image, alpha = Image.fromarray(_grays(opened, values_HW, bits)), _keyed(opened, values_HW)
    else:
        image = _of_eight_bits(opened, bits)
        alpha = _alpha(image)
        image = image.getchannel("L") if image.mode == "LA" else image
    colors = _srgb(image, profile)
    if alpha is None:
        return colors
    return Image.composite(colors, Image.new("RGB", image.size, ImageColor.getrgb(ground)), alpha)


def sample_bits(opened: Image.Image, data: bytes) -> int:
    """Bits of a sample in the file: what PNG and TIFF say, 16 for other deep grays, else 8."""
    if opened.format == "PNG":
        return data[24]  # of IHDR, which comes first
    if opened.format == "TIFF":
        found = opened.tag_v2.get(BITS, 1)  # type: ignore[attr-defined]
        return int(max(found) if isinstance(found, tuple) else found)
    return 16 if opened.mode[0] == "I" else 8


def eight_bits(values_HW: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Gray values of any type as 8 bits.

    Floats from 0 to 1 are scaled, those up to 255 rounded. Integers up to 16 bits are scaled by the range of their
    type, wider ones by 255 or 65,535, whichever holds them.

    Raises:
        UserError: a value is not finite, or out of these ranges; or the brightest would come out nearly black, as where
            12 bits lie in 16 or floats end at 10.
    """
    if not np.isfinite(values_HW).all():
        raise UserError("holds NaN or infinity, expected finite pixels")
    low, high = values_HW.min().item(), values_HW.max().item()  # of Python's types, which do not overflow
    is_float, is_signed = values_HW.dtype.kind == "f", values_HW.dtype.kind == "i"
    of_type = (2 ** (bits - is_signed) - 1,) if bits <= 16 else (255, 65535)
    ranges = (1, 255) if is_float else of_type
    full = next((end for end in ranges if high <= end), 0)
    kind = f"{bits}-bit {'float' if is_float else 'integer'}"
    if low < 0 or not full:
        expected = " or ".join(f"0 to {end:,}" for end in ranges)
        raise UserError(f"{kind} values from {low:g} to {high:g}, expected {expected}; convert it to 8 bits")
    if full > 1 and 0 < high * 255 < DARKEST * full:
        raise UserError(f"{kind} values that end at {high:g} of {full:,}, nearly black; convert it to 8 bits")
    if is_float:
        return (values_HW * (255.0 / full)).round().astype(np.uint8)
    return (values_HW.astype(np.int64) * 255 // full).astype(np.uint8)


def _values(opened: Image.Image, bits: int) -> NDArray[Any]:
    """Gray values in the type that the file keeps them in: Pillow has one for all integers."""
    values_HW: NDArray[Any] = np.asarray(opened)
    if values_HW.dtype.kind == "f" or _tag(opened, SAMPLE_FORMAT) == SIGNED:
        return values_HW
    return values_HW.view(np.uint32) if bits > 16 and opened.format == "TIFF" else values_HW.astype(np.uint32)


def _grays(opened: Image.Image, values_HW: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Gray values as 8 bits; white where the file says that zero is white, which Pillow does for 8 bits alone."""
    gray_HW = eight_bits(values_HW, bits)
    return 255 - gray_HW if _tag(opened, PHOTOMETRIC) == 0 else gray_HW


def _keyed(opened: Image.Image, values_HW: NDArray[Any]) -> Image.Image | None:
    """Alpha of gray values of which the file calls one transparent."""
    key = opened.info.get("transparency")
    return None if key is None else Image.fromarray(np.where(values_HW == key, 0, 255).astype(np.uint8))


def _of_eight_bits(opened: Image.Image, bits: int) -> Image.Image:
    """What Pillow gives as 8 bits, with a color key in the same 8 bits, straight alpha, and signs looked at.

    Raises:
        UserError: deep colors, of which Pillow keeps the upper 8 bits, are nearly black so.
    """
    image: Image.Image = opened.convert(STRAIGHT[opened.mode]) if opened.mode in STRAIGHT else opened
    if bits == 8 and opened.mode == "L" and _tag(opened, SAMPLE_FORMAT) == SIGNED:
        return Image.fromarray(eight_bits(np.asarray(opened).view(np.int8), bits))
    key = image.info.get("transparency")
    if bits != 8 and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)
    elif 1 < bits < 8 and image.mode == "L" and key is not None:
        image.info["transparency"] = key * 255 // (2**bits - 1)
    if bits > 8 and image.mode in ("LA", "RGB", "RGBA"):
        colors_HWC = np.asarray(image)[..., : 1 if image.mode == "LA" else 3]
        if (high := colors_HWC.max()) < DARKEST:
            raise UserError(f"{bits}-bit colors that end at {high} of 255, nearly black; convert it to 8 bits")
    return image


def _alpha(image: Image.Image) -> Image.Image | None:
    """Alpha of an image of 8 bits; None where nothing is transparent."""
    if not image.has_transparency_data:
        return None
    alpha = (image if image.mode in ("LA", "PA", "RGBA") else image.convert("RGBA")).getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def _tag(opened: Image.Image, tag: int) -> int | None:
    """Value of a tag of TIFF, the first of several; None where there is none."""
    found = getattr(opened, "tag_v2", {}).get(tag)
    return found[0] if isinstance(found, tuple) else found


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
        transform = ImageCms.buildTransform(
            found, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform of RGB moves no color of a grid by more than 1 of 255, the rounding of two curves.

    So is sRGB known, whatever a profile calls itself: "Linear sRGB" is another space.
    """
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    grid_HW3 = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(64, 64, 3)
    moved = ImageCms.applyTransform(Image.fromarray(grid_HW3), transform)
    return bool(np.abs(np.asarray(moved).astype(int) - grid_HW3).max() <= 1)
