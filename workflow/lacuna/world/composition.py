"""How a scene is composed: where things stand, and the order from back to front in which they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from lacuna.world import backdrop, buildings, landmarks, things
from lacuna.world.canvas import Canvas
from lacuna.world.look import Dice
from lacuna.world.masonry import Site
from lacuna.world.vocabulary import FREQUENCIES

Slot = tuple[str, int]  # an object and which of its places
SLOTS: list[Slot] = [(name, slot) for name, frequency in FREQUENCIES.items() for slot in range(frequency.slots)]
KINDS: dict[str, Callable[[Site], float]] = {
    "chapel": buildings.chapel,
    "house": buildings.house,
    "barn": buildings.barn,
    "castle": buildings.castle,
    "lighthouse": landmarks.lighthouse,
    "windmill": landmarks.windmill,
    "pagoda": landmarks.pagoda,
    "greenhouse": landmarks.greenhouse,
    "skyscraper": landmarks.skyscraper,
    "temple": buildings.temple,
}
# What stands on the meadow, and the range of x and y for its foot.
MEADOW: dict[str, tuple[Callable[[Canvas, Dice, float, float], None], tuple[float, float], tuple[float, float]]] = {
    "bench": (things.bench, (0.12, 0.88), (0.80, 0.90)),
    "signboard": (things.signboard, (0.10, 0.90), (0.80, 0.90)),
    "person": (things.person, (0.08, 0.92), (0.82, 0.97)),
    "car": (things.car, (0.14, 0.86), (0.86, 0.96)),
}


def paint(canvas: Canvas, layout: Dice, kind: str, site_dice: Dice, present: dict[Slot, Dice]) -> None:
    """Draw one scene of `kind` with the objects that are `present`, each with its own dice."""
    horizon = layout.between(0.61, 0.66)
    x, y = layout.between(0.42, 0.58), horizon + layout.between(0.050, 0.075)
    sky_dice, grass_dice = (Dice(np.array([layout.between(0, 1) for _ in range(draws)])) for draws in (1, 2))
    backdrop.sky(canvas, sky_dice)
    if ("sun", 0) in present:
        backdrop.sun(canvas, present["sun", 0])
    for slot in range(FREQUENCIES["cloud"].slots):
        if ("cloud", slot) in present:
            backdrop.cloud(canvas, present["cloud", slot], slot)
    if ("hill", 0) in present:
        backdrop.hill(canvas, present["hill", 0], horizon)
    backdrop.grass(canvas, grass_dice, horizon)
    standing = sorted(stand(canvas, horizon, x, present), key=lambda item: item[0])
    for depth, draw in standing:
        if depth < y:
            draw()
    canvas.shadow(x, y, 0.30, 0.030)
    door_x = KINDS[kind](Site(canvas, site_dice, x, y, ("tower", 0) in present))
    if ("path", 0) in present:
        backdrop.path(canvas, present["path", 0], door_x, y)
    for depth, draw in standing:
        if depth >= y:
            draw()


def stand(
    canvas: Canvas, horizon: float, site_x: float, present: dict[Slot, Dice]
) -> list[tuple[float, Callable[[], None]]]:
    """Where each thing on the meadow stands: its y, and the call that draws it."""
    standing: list[tuple[float, Callable[[], None]]] = []
    for (name, slot), dice in present.items():
        if name == "tree":
            x = (dice.between(0.04, 0.20), dice.between(0.80, 0.96), dice.between(0.10, 0.90))[slot]
            far = slot == 2
            y = horizon + 0.03 if far else horizon + dice.between(0.07, 0.18)
            height = dice.between(0.26, 0.34) if far else dice.between(0.36, 0.50)
            standing.append((y, partial(things.tree, canvas, dice, x, y, height)))
        elif name == "fence":
            y = horizon + dice.between(0.13, 0.20)
            standing.append((y, partial(things.fence, canvas, dice, y, site_x)))
        elif name in MEADOW:
            draw, across, down = MEADOW[name]
            x, y = dice.between(*across), dice.between(*down)
            standing.append((y, partial(draw, canvas, dice, x, y)))
    return standing
