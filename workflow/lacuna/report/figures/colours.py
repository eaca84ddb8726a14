"""Colours of classes: familiar ones where the thing has one, else as far from all others as can be.

One map serves all label maps of a page, so that a colour means the same everywhere.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BACKGROUND = "-"
FAMILIAR = {
    BACKGROUND: "#000000",
    "sky": "#a9d3f5",
    "cloud": "#f4f8fc",
    "sun": "#ffd23f",
    "building": "#b98a6a",
    "house": "#c98f72",
    "tower": "#8a5a83",
    "church": "#a87c9f",
    "wall": "#cbb9a3",
    "tree": "#256b3a",
    "plant": "#5f9a4a",
    "grass": "#93c85a",
    "hill": "#6f8f52",
    "mountain": "#7b8794",
    "path": "#e3c48d",
    "road": "#6b6e75",
    "sidewalk": "#b4b1ab",
    "earth": "#9a7148",
    "water": "#2f7fb8",
    "sea": "#1f6aa5",
    "fence": "#e4572e",
    "car": "#2b3fae",
    "person": "#e0218a",
    "bench": "#6b4423",
    "signboard": "#00a6a0",
    "door": "#7a3e1d",
    "window": "#4fb3d9",
}
_STEPS = (0x28, 0x64, 0xA0, 0xDC)  # candidates: every mix of these four levels of red, green and blue


def class_colours(classes: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """A colour for each class, the same for the same list."""
    chosen = {name: _rgb(FAMILIAR[name]) for name in classes if name in FAMILIAR}
    candidates = np.array([(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS], dtype=np.uint8)
    lab = cielab(candidates)
    for name in classes:
        if name in chosen:
            continue
        taken = np.array(list(chosen.values()) or [(255, 255, 255)], dtype=np.uint8)
        distance = np.linalg.norm(lab[:, None] - cielab(taken)[None], axis=2).min(axis=1)
        red, green, blue = candidates[int(distance.argmax())].tolist()
        chosen[name] = (red, green, blue)
    return chosen


def cielab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(..., 3) sRGB bytes as CIE L*a*b* under D65; Euclidean distance is roughly how different two colours look.

    Source:
        IEC 61966-2-1 (sRGB); CIE 15 (L*a*b*).
    """
    encoded = rgb / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def hex_colour(rgb: tuple[int, int, int]) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue
