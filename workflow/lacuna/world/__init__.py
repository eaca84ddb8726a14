"""The procedural world: pictures of ten kinds of buildings with exact maps of objects, parts and materials.

Every object of a scene has a row of uniform numbers of its own, drawn whether it is there or not: an object that is
left out, or more frequent, moves and recolours nothing else.

Shape suffixes: H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from lacuna.errors import UserError
from lacuna.world.canvas import Canvas
from lacuna.world.composition import SLOTS, paint
from lacuna.world.distortion import DISTORTIONS, distorted
from lacuna.world.look import PALETTES, Dice
from lacuna.world.vocabulary import FREQUENCIES, PART_OWNERS, SCENE_WEIGHTS, TOWER_KINDS, VOCABULARY

__all__ = ["FREQUENCIES", "PART_OWNERS", "SCENE_WEIGHTS", "VOCABULARY", "Scene", "World"]

DRAWS = 32  # uniform numbers of one object; the first says whether it is there
GRAIN_CELLS = 28  # the texture's lattice across the picture


class Scene(NamedTuple):
    """One picture and what it shows: labels are positions in VOCABULARY, `label` that of the scene's kind."""

    image: np.ndarray  # uint8 (H, W, 3)
    labels_object: np.ndarray  # uint16 (H, W), as the next two
    labels_part: np.ndarray
    labels_material: np.ndarray
    label: int


class World:
    """An endless series of scenes; scene i depends on (seed, i) alone.

    Args:
        size: height and width, 32 to 256 pixels.
        omit: objects that never occur.
        scale: factors on the expected number of an object in a scene.
        scenes: weights of the kinds; those not named do not occur. Empty: SCENE_WEIGHTS.
        palette: the light, "day" or "night"; nothing else in a scene changes.
        distort: how objects are spoilt, one of DISTORTIONS by object; labels and all other pixels stay.
        distort_strength: how much, from 0 to 1.

    Raises:
        UserError: a size out of range, a negative seed, an unknown name, or a factor that cannot be reached.
    """

    def __init__(
        self,
        size: int = 64,
        seed: int = 1,
        omit: Sequence[str] = (),
        scale: Mapping[str, float] | None = None,
        scenes: Mapping[str, float] | None = None,
        palette: str = "day",
        distort: Mapping[str, str] | None = None,
        distort_strength: float = 1.0,
    ) -> None:
        if not 32 <= size <= 256:
            raise UserError(f"world: size is {size}, expected 32 to 256 pixels")
        if seed < 0:
            raise UserError(f"world: seed is {seed}, expected 0 or more")
        if palette not in PALETTES:
            raise UserError(f"world: palette is {palette!r}, expected one of: {', '.join(PALETTES)}")
        self.size = size
        self.seed = seed
        self.moods = PALETTES[palette]
        self.probabilities = probabilities(omit, scale or {})
        self.cumulative_weights = cumulative(scenes or SCENE_WEIGHTS)
        self.distortions = distortions(distort or {})
        self.distort_strength = distort_strength

    def scene(self, index: int) -> Scene:
        """Draw scene `index`."""
        canvas, grain_HW, label = self.drawing(index)
        image_HW3, labels_3HW = canvas.render(grain_HW)
        for position, kind in self.distortions.items():
            rng = np.random.default_rng([self.seed, index, position])
            image_HW3 = distorted(image_HW3, labels_3HW[0] == position, kind, self.distort_strength, rng)
        return Scene(image_HW3, labels_3HW[0], labels_3HW[1], labels_3HW[2], label)

    def drawing(self, index: int) -> tuple[Canvas, np.ndarray, int]:
        """Scene `index` before it is reduced to pixels: canvas, texture (H, W) and position of its kind."""
        rng = np.random.default_rng([self.seed, index])
        uniforms = rng.random((2 + len(SLOTS), DRAWS))
        grain = rng.standard_normal((GRAIN_CELLS, GRAIN_CELLS), dtype=np.float32)
        layout = Dice(uniforms[0])
        label = int(np.searchsorted(self.cumulative_weights, layout.between(0, 1), side="right"))
        canvas = Canvas(self.size, layout.pick(self.moods), layout.chance(0.5))
        rows = zip(SLOTS, uniforms[2:], strict=True)
        present = {slot: Dice(row[1:]) for slot, row in rows if row[0] < self.probabilities[slot[0]]}
        paint(canvas, layout, VOCABULARY["scene"][label], Dice(uniforms[1]), present)
        grain_HW = np.asarray(Image.fromarray(grain).resize((self.size, self.size), Image.Resampling.BILINEAR))
        return canvas, grain_HW, label

    def expected_numbers(self) -> dict[str, float]:
        """How many of each object a scene holds on average, by FREQUENCIES, `omit`, `scale` and `scenes`."""
        numbers = {name: FREQUENCIES[name].slots * share for name, share in self.probabilities.items()}
        shares = np.diff(self.cumulative_weights, prepend=0)
        numbers["tower"] *= float(sum(shares[VOCABULARY["scene"].index(kind)] for kind in TOWER_KINDS))
        return numbers


def probabilities(omit: Sequence[str], scale: Mapping[str, float]) -> dict[str, float]:
    """How likely each slot of each object is taken."""
    result = {name: frequency.probability for name, frequency in FREQUENCIES.items()}
    for setting, names in (("omit", omit), ("scale", scale)):
        for name in names:
            if name not in result:
                reason = "is always there" if name in VOCABULARY["object"][1:] else "is no object of the world"
                raise UserError(f"world: {setting} names {name!r}, which {reason}; expected {', '.join(result)}")
    for name, factor in scale.items():
        largest = 1 / result[name]
        if not 0 <= factor <= largest * (1 + 1e-9):
            raise UserError(f"world: scale of {name} is {factor:g}, expected 0 to {largest:.4g}")
        result[name] = min(1.0, result[name] * factor)
    return result | dict.fromkeys(omit, 0.0)


def distortions(distort: Mapping[str, str]) -> dict[int, str]:
    """Kind of distortion by position of the object, in the order of VOCABULARY."""
    objects = VOCABULARY["object"]
    for name, kind in distort.items():
        if name not in objects[1:]:
            raise UserError(
                f"world: distort names {name!r}, which is no object of the world; expected {', '.join(objects[1:])}"
            )
        if kind not in DISTORTIONS:
            raise UserError(f"world: distort of {name} is {kind!r}, expected one of: {', '.join(DISTORTIONS)}")
    return {position: distort[name] for position, name in enumerate(objects) if name in distort}


def cumulative(scenes: Mapping[str, float]) -> np.ndarray:
    """Running sum of the kinds' weights in the order of VOCABULARY, the last 1."""
    for kind, weight in scenes.items():
        if kind not in SCENE_WEIGHTS:
            raise UserError(f"world: scenes names {kind!r}, expected some of: {', '.join(SCENE_WEIGHTS)}")
        if not (np.isfinite(weight) and weight >= 0):
            raise UserError(f"world: the weight of scene {kind} is {weight}, expected 0 or more")
    weights = np.array([float(scenes.get(kind, 0)) for kind in VOCABULARY["scene"]])
    if weights.sum() == 0:
        raise UserError("world: all weights of scenes are 0, expected at least one above")
    sums = np.cumsum(weights)
    return sums / sums[-1]
