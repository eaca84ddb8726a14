"""Ways to spoil how a class looks and nothing else: its pixels change, its mask and all others stay as they are.

Each takes a picture, a mask and a strength from 0 (nothing changes) to 1, and returns a picture. Lengths are shares of
the picture's side, so that a strength means the same at every size.

Shape suffixes: H height, W width, P pixels of the mask.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
BLUR = 0.06  # deviation of the blur at full strength
MELT = 0.12  # deviation of how far pixels move at full strength
MELT_CELLS = 9  # the lattice of the movement across the picture
HUES = ((1.7, 0.5, 0.8), (0.5, 1.6, 0.6), (0.6, 0.7, 1.9), (1.4, 1.3, 0.2), (1.4, 0.4, 1.6), (0.3, 1.4, 1.5))


def blur(image_HW3: Picture, mask_HW: Mask, strength: float, rng: np.random.Generator) -> Picture:
    """Details go: a Gaussian mean of the mask's own pixels, so that nothing of its surroundings leaks in."""
    sigma = strength * BLUR * len(mask_HW)
    weight_HW = gaussian_filter(mask_HW.astype(np.float64), sigma)
    sums_HW3 = gaussian_filter(np.where(mask_HW[..., None], image_HW3, 0.0), (sigma, sigma, 0))
    return painted(image_HW3, mask_HW, sums_HW3[mask_HW] / weight_HW[mask_HW, None])


def scramble(image_HW3: Picture, mask_HW: Mask, strength: float, rng: np.random.Generator) -> Picture:
    """Form goes: a random share `strength` of the mask's pixels change places among themselves."""
    colours_P3 = image_HW3[mask_HW]
    moved = np.flatnonzero(rng.random(len(colours_P3)) < strength)
    colours_P3[moved] = colours_P3[rng.permutation(moved)]
    return painted(image_HW3, mask_HW, colours_P3)


def recolor(image_HW3: Picture, mask_HW: Mask, strength: float, rng: np.random.Generator) -> Picture:
    """Colour goes: light and dark stay, under a random one of six tints."""
    colours_P3 = image_HW3[mask_HW].astype(np.float64)
    tinted_P3 = colours_P3.mean(axis=1, keepdims=True) * HUES[rng.integers(len(HUES))]
    return painted(image_HW3, mask_HW, (1 - strength) * colours_P3 + strength * tinted_P3)


def melt(image_HW3: Picture, mask_HW: Mask, strength: float, rng: np.random.Generator) -> Picture:
    """Shape within goes: pixels are taken from places that a smooth random field has moved, within the mask."""
    lattice_2 = rng.standard_normal((2, MELT_CELLS, MELT_CELLS), dtype=np.float32)
    size = mask_HW.shape[::-1]
    field_2HW = np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in lattice_2])
    places_2HW = np.indices(mask_HW.shape) + strength * MELT * len(mask_HW) * field_2HW
    y_HW, x_HW = (
        np.clip(np.rint(places), 0, side - 1).astype(np.intp)
        for places, side in zip(places_2HW, mask_HW.shape, strict=True)
    )
    nearest_2HW = distance_transform_edt(~mask_HW, return_distances=False, return_indices=True)
    own_y_HW, own_x_HW = nearest_2HW[:, y_HW, x_HW]
    return painted(image_HW3, mask_HW, image_HW3[own_y_HW, own_x_HW][mask_HW])


DISTORTIONS: dict[str, Callable[[Picture, Mask, float, np.random.Generator], Picture]] = {
    "blur": blur,
    "scramble": scramble,
    "recolor": recolor,
    "melt": melt,
}


def distorted(image_HW3: Picture, mask_HW: Mask, kind: str, strength: float, rng: np.random.Generator) -> Picture:
    """The picture with one of DISTORTIONS under the mask; the picture itself where nothing is to be done."""
    return DISTORTIONS[kind](image_HW3, mask_HW, strength, rng) if mask_HW.any() and strength > 0 else image_HW3


def painted(image_HW3: Picture, mask_HW: Mask, colours_P3: NDArray) -> Picture:
    """A copy of the picture with these colours under the mask."""
    result_HW3 = image_HW3.copy()
    result_HW3[mask_HW] = np.clip(np.rint(colours_P3), 0, 255).astype(np.uint8)
    return result_HW3
