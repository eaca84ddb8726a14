"""A canvas of surfaces: shapes are drawn as instance numbers, 4 x 4 to a pixel, and coloured and named at the end.

Coordinates run from (0, 0) at the top left to (1, 1) at the bottom right, whatever the size in pixels.

Shape suffixes: H height, W width, B pixels, K = 16 subpixels of a pixel, S surfaces, M pixels with several surfaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from lacuna.world.look import Colour, Mood, lit
from lacuna.world.vocabulary import VOCABULARY

SUBPIXELS = 4
MAX_SURFACES = 256
GRAIN = {"-": 0.0, "stone": 6.0, "brick": 6.0, "wood": 4.0, "tile": 5.0, "foliage": 8.0}  # grey levels
GROUND_GRAIN = 4.5
SHADOW = 0.34  # share of its light that shadowed ground loses
POSITIONS = {
    category: {name: position for position, name in enumerate(VOCABULARY[category])}
    for category in ("object", "part", "material")
}
Labels = tuple[str, str, str]
Box = tuple[float, float, float, float]
Points = Sequence[tuple[float, float]]


class Surface(NamedTuple):
    """What a number of the instance map stands for; colour(x, y) = colour + along_x * x + along_y * y."""

    labels: tuple[int, int, int]  # positions of object, part and material
    shading: tuple[float, ...]  # colour, along_x, along_y (3 each), grain, 1 where shadows fall


class Canvas:
    """Draws one scene: first the surfaces, back to front, then `picture` and `label_maps`."""

    def __init__(self, size: int, mood: Mood, light_from_left: bool) -> None:
        self.size = size
        self.mood = mood
        self.side = -1.0 if light_from_left else 1.0
        self.scale = size * SUBPIXELS
        self.instances = Image.new("L", (self.scale, self.scale))
        self.shadows = Image.new("L", (self.scale, self.scale))
        self.brush = ImageDraw.Draw(self.instances)
        self.shadow_brush = ImageDraw.Draw(self.shadows)
        self.surfaces: list[Surface] = []

    def surface(self, labels: Labels, colour: Colour, box: Box, across: float = 0.12, down: float = 0.08) -> int:
        """A new surface in `colour`, lit from the sun's side.

        Args:
            labels: names of object, part and material.
            box: x0, y0, x1, y1 that it roughly fills.
            across: how much brightness falls from the lit to the far side of the box, relative.
            down: how much it falls from top to bottom.

        Returns:
            The number to draw with.
        """
        x0, y0, x1, y1 = box
        per_x = self.side * across * self.mood.contrast / (x1 - x0)
        per_y = -down / (y1 - y0)
        start = 1.0 - per_x * (x0 + x1) / 2 - per_y * (y0 + y1) / 2
        red, green, blue = lit(colour, self.mood)
        shading = (
            *(red * start, green * start, blue * start),
            *(red * per_x, green * per_x, blue * per_x),
            *(red * per_y, green * per_y, blue * per_y),
        )
        return self.add(labels, shading, ground=labels[0] == "path")

    def gradient(self, labels: Labels, top: Colour, bottom: Colour, y0: float, y1: float, ground: bool = False) -> int:
        """A new surface whose colour runs from `top` at y0 to `bottom` at y1, untouched by the mood's light."""
        slope = [(b - a) / (y1 - y0) for a, b in zip(top, bottom, strict=True)]
        start = [a - s * y0 for a, s in zip(top, slope, strict=True)]
        return self.add(labels, (*start, 0.0, 0.0, 0.0, *slope), ground)

    def add(self, labels: Labels, shading: tuple[float, ...], ground: bool) -> int:
        """A new surface with this shading (9 numbers, see `Surface`); shadows show on `ground` only."""
        assert len(self.surfaces) < MAX_SURFACES, "more surfaces than an 8-bit instance map can tell apart"
        thing, part, material = labels
        positions = (POSITIONS["object"][thing], POSITIONS["part"][part], POSITIONS["material"][material])
        grain = GROUND_GRAIN if ground else GRAIN.get(material, 2.0)
        self.surfaces.append(Surface(positions, (*shading, grain, float(ground))))
        return len(self.surfaces) - 1

    def rectangle(self, surface: int, x0: float, y0: float, x1: float, y1: float) -> None:
        """Fill a rectangle; PIL includes the last row and column, hence the - 1."""
        left, top, right, bottom = (round(value * self.scale) for value in (x0, y0, x1, y1))
        if right > left and bottom > top:
            self.brush.rectangle((left, top, right - 1, bottom - 1), fill=surface)

    def polygon(self, surface: int, points: Points) -> None:
        """Fill a polygon."""
        self.brush.polygon([(x * self.scale - 0.5, y * self.scale - 0.5) for x, y in points], fill=surface)

    def ellipse(self, surface: int, x: float, y: float, radius_x: float, radius_y: float) -> None:
        """Fill an ellipse around (x, y)."""
        left, right = (x - radius_x) * self.scale, (x + radius_x) * self.scale - 1
        top, bottom = (y - radius_y) * self.scale, (y + radius_y) * self.scale - 1
        if right > left and bottom > top:
            self.brush.ellipse((left, top, right, bottom), fill=surface)

    def line(self, surface: int, points: Points, width: float) -> None:
        """Draw a line along the points."""
        path = [(x * self.scale, y * self.scale) for x, y in points]
        self.brush.line(path, fill=surface, width=max(1, round(width * self.scale)))

    def shadow(self, x: float, y: float, radius_x: float, radius_y: float) -> None:
        """A soft spot of shadow on the ground, drawn a little away from the light; it changes no label."""
        x -= self.side * radius_x * 0.25 * self.mood.contrast
        for share, depth in ((1.0, 130), (0.7, 255)):
            left, right = (x - share * radius_x) * self.scale, (x + share * radius_x) * self.scale
            top, bottom = (y - share * radius_y) * self.scale, (y + share * radius_y) * self.scale
            self.shadow_brush.ellipse((left, top, right, bottom), fill=depth)

    def render(self, grain_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The finished scene.

        Args:
            grain_HW: texture of the materials, mean 0, deviation about 1.

        Returns:
            uint8 (H, W, 3) picture, and uint16 (3, H, W) label maps of object, part and material.
        """
        shading_SC = np.array([surface.shading for surface in self.surfaces], dtype=np.float32)
        names_3S = np.array([surface.labels for surface in self.surfaces], dtype=np.uint16).T
        blocks_BK = subpixel_blocks(np.asarray(self.instances))
        mixed_M = np.flatnonzero(~uniform(blocks_BK))
        owner_B = blocks_BK[:, 0].astype(np.intp)
        shading_BC = shading_SC[owner_B]
        mixed_MK = blocks_BK[mixed_M]
        owner_B[mixed_M] = most_common(mixed_MK, len(self.surfaces))
        shading_BC[mixed_M] = shading_SC[mixed_MK].sum(axis=1) / np.float32(SUBPIXELS**2)
        shadow_HW = np.asarray(self.shadows.reduce(SUBPIXELS)).astype(np.float32) * np.float32(SHADOW / 255)
        image_HW3 = develop(shading_BC.reshape(self.size, self.size, -1), grain_HW, shadow_HW)
        return image_HW3, names_3S[:, owner_B].reshape(3, self.size, self.size)


def subpixel_blocks(instances: np.ndarray) -> np.ndarray:
    """The instance map by pixel: (4 H, 4 W) -> (H * W, 16), contiguous."""
    height, width = (side // SUBPIXELS for side in instances.shape)
    blocks = instances.reshape(height, SUBPIXELS, width, SUBPIXELS).swapaxes(1, 2)
    return np.ascontiguousarray(blocks).reshape(height * width, SUBPIXELS**2)


def uniform(blocks_BK: np.ndarray) -> np.ndarray:
    """(B,) whether one surface covers the whole pixel; compares eight subpixels at a time."""
    words_B2 = blocks_BK.view(np.uint64)
    repeated_B = blocks_BK[:, 0].astype(np.uint64) * np.uint64(0x0101010101010101)
    return (words_B2[:, 0] == repeated_B) & (words_B2[:, 1] == repeated_B)


def most_common(blocks_MK: np.ndarray, num_surfaces: int) -> np.ndarray:
    """(M,) the surface with the most subpixels of each pixel; of equals the one in front, drawn later."""
    rows_M1 = np.arange(len(blocks_MK), dtype=np.intp)[:, None] * num_surfaces
    backwards_MK = rows_M1 + (num_surfaces - 1 - blocks_MK.astype(np.intp))
    counts = np.bincount(backwards_MK.ravel(), minlength=len(blocks_MK) * num_surfaces)
    return num_surfaces - 1 - counts.reshape(len(blocks_MK), num_surfaces).argmax(axis=1)


def develop(shading_HWC: np.ndarray, grain_HW: np.ndarray, shadow_HW: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) colours of pixels from their mean shading, see `Surface`."""
    height, width = grain_HW.shape
    x_W1 = ((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(width))[:, None]
    y_H11 = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height))[:, None, None]
    colour_HW3 = shading_HWC[..., 0:3] + shading_HWC[..., 3:6] * x_W1 + shading_HWC[..., 6:9] * y_H11
    colour_HW3 *= (1 - shadow_HW * shading_HWC[..., 10])[..., None]
    colour_HW3 += (grain_HW * shading_HWC[..., 9])[..., None]
    return np.clip(colour_HW3 + np.float32(0.5), 0, 255).astype(np.uint8)
