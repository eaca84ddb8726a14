"""What buildings are put together from: walls, roofs, windows, doors, battlements and tapering shafts."""

from __future__ import annotations

from typing import NamedTuple

from lacuna.world.canvas import Canvas
from lacuna.world.look import PANE, Colour, Dice, mix, scaled


class Site(NamedTuple):
    """Where a building is to stand: the middle of its foot at (x, y); without `towers`, they alone are left out."""

    canvas: Canvas
    dice: Dice
    x: float
    y: float
    towers: bool


def wall(
    site: Site, x0: float, y0: float, x1: float, y1: float, material: str, colour: Colour, owner: str = "building"
) -> int:
    """A flat wall that fills the box."""
    surface = site.canvas.surface((owner, f"{owner}-wall", material), colour, (x0, y0, x1, y1), 0.20, 0.06)
    site.canvas.rectangle(surface, x0, y0, x1, y1)
    return surface


def shaft(site: Site, foot: float, top: float, y0: float, y1: float, material: str, colour: Colour, owner: str) -> int:
    """A round wall around site.x, `foot` wide at y1 and `top` wide at y0."""
    box = (site.x - foot / 2, y0, site.x + foot / 2, y1)
    surface = site.canvas.surface((owner, f"{owner}-wall", material), colour, box, 0.36, 0.06)
    half, narrow = foot / 2, top / 2
    site.canvas.polygon(
        surface, [(site.x - half, y1), (site.x - narrow, y0), (site.x + narrow, y0), (site.x + half, y1)]
    )
    return surface


def roof(site: Site, points: list[tuple[float, float]], material: str, colour: Colour, owner: str = "building") -> int:
    """A roof with this outline."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = (min(xs), min(ys), max(xs), max(ys))
    surface = site.canvas.surface((owner, f"{owner}-roof", material), colour, box, 0.16, 0.16)
    site.canvas.polygon(surface, points)
    return surface


def pitched_roof(site: Site, x0: float, x1: float, eaves: float, ridge: float, inset: float, colour: Colour) -> int:
    """A tiled roof seen from its long side: a trapezium, its ridge shorter by `inset` at both ends."""
    over = 0.022
    points = [(x0 - over, eaves + 0.010), (x0 + inset, ridge), (x1 - inset, ridge), (x1 + over, eaves + 0.010)]
    return roof(site, points, "tile", colour)


def panes(site: Site, x0: float, y0: float, x1: float, y1: float, owner: str = "building") -> int:
    """A surface for windows within the box; it reflects some of the sky."""
    colour = mix(site.dice.pick(PANE), site.canvas.mood.zenith, 0.15)
    return site.canvas.surface((owner, f"{owner}-window", "glass"), colour, (x0, y0, x1, y1), 0.05, 0.15)


def window(site: Site, glass: int, x: float, y: float, width: float, height: float, arched: bool = False) -> None:
    """A window with its middle at (x, y)."""
    site.canvas.rectangle(glass, x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if arched:
        site.canvas.ellipse(glass, x, y - height / 2, width / 2, width / 2)


def door(site: Site, x: float, y: float, width: float, height: float, colour: Colour, arched: bool = False) -> int:
    """A wooden door that stands on y."""
    box = (x - width / 2, y - height, x + width / 2, y)
    surface = site.canvas.surface(("building", "building-door", "wood"), colour, box, 0.05, 0.10)
    site.canvas.rectangle(surface, *box)
    if arched:
        site.canvas.ellipse(surface, x, y - height, width / 2, width / 2)
    return surface


def battlements(site: Site, surface: int, x0: float, x1: float, y: float, tooth: float) -> None:
    """Merlons of about `tooth` width and height on a wall's upper edge."""
    count = max(2, round((x1 - x0) / tooth / 2 + 0.5))
    width = (x1 - x0) / (2 * count - 1)
    for merlon in range(count):
        left = x0 + 2 * merlon * width
        site.canvas.rectangle(surface, left, y - tooth, left + width, y + 0.01)


def spire(site: Site, x: float, width: float, y: float, height: float, colour: Colour, cross: bool) -> None:
    """A pointed tower roof, perhaps with a gilded cross."""
    if cross:
        gold = site.canvas.surface(
            ("tower", "tower-roof", "metal"), (216, 176, 84), (x - 0.03, y - height - 0.06, x + 0.03, y)
        )
        site.canvas.rectangle(gold, x - 0.009, y - height - 0.055, x + 0.009, y - height + 0.03)
        site.canvas.rectangle(gold, x - 0.027, y - height - 0.042, x + 0.027, y - height - 0.024)
    points = [(x - width / 2 - 0.014, y), (x, y - height), (x + width / 2 + 0.014, y)]
    roof(site, points, "tile", scaled(colour, 0.95), owner="tower")
