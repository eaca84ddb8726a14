"""How a scene is lit and coloured: four moods, the colours of materials, and the dice that choose among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

Colour = tuple[float, float, float]
Choice = TypeVar("Choice")


class Dice:
    """The uniform numbers of one object, used one after the other, so that no object shifts another's."""

    def __init__(self, uniforms: np.ndarray) -> None:
        self.rest = iter(uniforms.tolist())

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * next(self.rest)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return next(self.rest) < probability

    def pick(self, options: Sequence[Choice]) -> Choice:
        """One of the options, all equally likely."""
        return options[min(int(next(self.rest) * len(options)), len(options) - 1)]


class Mood(NamedTuple):
    """Weather and hour: colours of the sky, a factor on all other colours, and a share of haze mixed into them."""

    zenith: Colour
    horizon: Colour
    light: Colour
    haze: float
    cloud: Colour
    sun: Colour
    contrast: float


MOODS: tuple[Mood, ...] = (
    Mood((74, 142, 220), (188, 220, 242), (1.02, 1.01, 0.98), 0.03, (250, 251, 252), (255, 236, 140), 1.0),  # clear
    Mood((104, 166, 226), (206, 228, 240), (1.00, 1.00, 0.98), 0.06, (248, 250, 252), (255, 238, 160), 0.8),  # fair
    Mood((116, 136, 190), (250, 212, 164), (1.06, 0.95, 0.82), 0.08, (255, 238, 222), (255, 226, 130), 1.2),  # golden
    Mood((146, 162, 182), (210, 217, 222), (0.93, 0.95, 0.97), 0.09, (240, 242, 245), (253, 246, 208), 0.5),  # overcast
)

NIGHT: tuple[Mood, ...] = (
    Mood((12, 16, 44), (38, 46, 86), (0.34, 0.40, 0.62), 0.04, (58, 64, 92), (240, 240, 222), 0.8),  # moonlit
    Mood((20, 14, 30), (84, 40, 52), (0.50, 0.36, 0.44), 0.06, (70, 44, 60), (236, 214, 190), 0.7),  # last light
)

PALETTES: dict[str, tuple[Mood, ...]] = {"day": (MOODS[0], *MOODS), "night": NIGHT}  # the clear sky is twice as likely

STONE: tuple[Colour, ...] = ((176, 168, 152), (158, 156, 154), (194, 180, 150), (146, 140, 134))
PLASTER: tuple[Colour, ...] = ((240, 230, 208), (236, 214, 172), (226, 196, 178), (206, 214, 206), (244, 240, 232))
BRICK: tuple[Colour, ...] = ((168, 92, 70), (150, 80, 64), (184, 112, 84))
TIMBER: tuple[Colour, ...] = ((150, 48, 42), (136, 58, 46), (122, 82, 56))
TILE: tuple[Colour, ...] = ((172, 82, 58), (148, 70, 58), (96, 98, 112), (122, 84, 66))
DOOR: tuple[Colour, ...] = ((92, 58, 40), (70, 82, 66), (110, 46, 40), (58, 66, 92))
PANE: tuple[Colour, ...] = ((70, 96, 128), (88, 118, 148), (58, 76, 104))
LEAVES: tuple[Colour, ...] = ((62, 112, 52), (78, 128, 56), (48, 98, 58), (96, 134, 56), (58, 106, 44), (186, 128, 50))
PAINT: tuple[Colour, ...] = ((196, 44, 40), (40, 82, 168), (228, 176, 48), (236, 236, 234), (40, 112, 92), (58, 60, 68))
CLOTH: tuple[Colour, ...] = (
    (206, 62, 58),
    (48, 96, 176),
    (236, 196, 74),
    (236, 232, 224),
    (132, 74, 140),
    (46, 132, 122),
)
TROUSERS: tuple[Colour, ...] = ((44, 52, 82), (72, 60, 52), (60, 64, 70), (104, 92, 74))
SKIN: tuple[Colour, ...] = ((240, 200, 170), (222, 174, 138), (176, 124, 90), (128, 86, 62))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first`, with `share` of it replaced by `second`."""
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def scaled(colour: Colour, factor: float) -> Colour:
    """A darker or lighter `colour`."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def lit(colour: Colour, mood: Mood) -> Colour:
    """`colour` as it looks in this mood's light and haze."""
    red, green, blue = (a * b for a, b in zip(colour, mood.light, strict=True))
    return mix((red, green, blue), mood.horizon, mood.haze)
