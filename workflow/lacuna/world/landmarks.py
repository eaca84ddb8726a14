"""The other five scene kinds: lighthouse, windmill, pagoda, greenhouse, skyscraper. Each returns the x of its door."""

from __future__ import annotations

import math

from lacuna.world.look import DOOR, PLASTER, STONE, TILE, mix, scaled
from lacuna.world.masonry import Site, door, panes, pitched_roof, roof, shaft, wall, window


def lighthouse(site: Site) -> float:
    """A striped tapering tower with a lantern, and the keeper's cottage at its foot."""
    dice = site.dice
    tall, foot, top_width = dice.between(0.44, 0.49), dice.between(0.16, 0.18), dice.between(0.105, 0.120)
    paint = dice.pick(((198, 56, 48), (198, 56, 48), (48, 84, 148)))
    way, width, height = dice.pick((-1.0, 1.0)), dice.between(0.22, 0.26), dice.between(0.11, 0.13)
    cottage_x, tiles = site.x + way * (0.05 + width / 2), dice.pick(TILE)
    wall(site, cottage_x - width / 2, site.y - height, cottage_x + width / 2, site.y, "plaster", dice.pick(PLASTER))
    pitched_roof(
        site, cottage_x - width / 2, cottage_x + width / 2, site.y - height, site.y - height - 0.085, 0.045, tiles
    )
    glass = panes(site, cottage_x - width / 2, site.y - height, cottage_x + width / 2, site.y)
    window(site, glass, cottage_x + way * 0.06, site.y - height * 0.52, 0.050, 0.050)
    door_x = cottage_x - way * 0.025
    door(site, door_x, site.y, 0.052, height * 0.72, dice.pick(DOOR))
    if site.towers:
        tower = site._replace(x=site.x - way * 0.03)
        for stripe in range(5):
            low, high = stripe / 5, (stripe + 1) / 5
            wide, narrow = foot + (top_width - foot) * low, foot + (top_width - foot) * high
            colour = paint if stripe % 2 else (244, 242, 236)
            shaft(tower, wide, narrow, site.y - tall * high, site.y - tall * low, "plaster", colour, "tower")
        lantern(tower, site.y - tall, top_width, paint)
    return door_x


def lantern(site: Site, y: float, width: float, paint: tuple[float, float, float]) -> None:
    """A gallery, a lit glass room and a domed cap on a tower that ends at y."""
    light = mix(site.canvas.mood.sun, (255, 226, 120), 0.5)
    room = site.canvas.surface(
        ("tower", "tower-window", "glass"), light, (site.x - 0.04, y - 0.08, site.x + 0.04, y), 0.05
    )
    site.canvas.rectangle(room, site.x - width * 0.34, y - 0.075, site.x + width * 0.34, y)
    metal = ("tower", "tower-roof", "metal")
    gallery = site.canvas.surface(metal, (66, 68, 76), (site.x - width, y - 0.02, site.x + width, y), 0.1)
    site.canvas.rectangle(gallery, site.x - width * 0.68, y - 0.018, site.x + width * 0.68, y + 0.010)
    cap = site.canvas.surface(metal, scaled(paint, 0.9), (site.x - width, y - 0.14, site.x + width, y - 0.07), 0.2)
    half = width * 0.46
    site.canvas.polygon(cap, [(site.x - half, y - 0.070), (site.x, y - 0.135), (site.x + half, y - 0.070)])


def windmill(site: Site) -> float:
    """A tapering body with a cap, and four sails of cloth on wooden spars."""
    dice = site.dice
    tall, foot, top = dice.between(0.34, 0.38), dice.between(0.22, 0.25), dice.between(0.13, 0.15)
    material, colours = dice.pick((("plaster", PLASTER), ("stone", STONE)))
    body, crest = dice.pick(colours), site.y - tall
    shaft(site, foot, top, crest, site.y, material, body, "building")
    glass = panes(site, site.x - 0.03, crest, site.x + 0.03, site.y)
    window(site, glass, site.x, site.y - tall * 0.46, 0.044, 0.050)
    door(site, site.x, site.y, 0.070, 0.105, dice.pick(DOOR))
    cap = [
        (site.x - top * 0.62, crest + 0.008),
        (site.x - top * 0.34, crest - 0.070),
        (site.x + top * 0.34, crest - 0.070),
    ]
    roof(site, [*cap, (site.x + top * 0.62, crest + 0.008)], "tile", dice.pick(TILE))
    reach, turn, cloth = (
        dice.between(0.25, 0.28),
        dice.between(0.35, 1.22),
        dice.pick(((242, 234, 214), (226, 208, 176))),
    )
    hub_x, hub_y = site.x, crest - 0.020
    box = (hub_x - reach, hub_y - reach, hub_x + reach, hub_y + reach)
    sail = site.canvas.surface(("building", "building-sail", "fabric"), cloth, box, 0.08, 0.08)
    spar = site.canvas.surface(("building", "building-sail", "wood"), (96, 68, 48), box, 0.05, 0.05)
    for quarter in range(4):
        angle = turn + quarter * math.pi / 2
        along, aside = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
        corners = ((0.055, 0.0), (reach, 0.0), (reach, 0.062), (0.055, 0.062))
        site.canvas.polygon(
            sail,
            [
                (hub_x + far * along[0] + off * aside[0], hub_y + far * along[1] + off * aside[1])
                for far, off in corners
            ],
        )
        site.canvas.line(spar, [(hub_x, hub_y), (hub_x + reach * along[0], hub_y + reach * along[1])], 0.018)
    site.canvas.ellipse(spar, hub_x, hub_y, 0.022, 0.022)
    return site.x


def pagoda(site: Site) -> float:
    """Storeys that grow smaller upwards, each under a wide roof with upturned eaves."""
    dice = site.dice
    storeys, width, storey = dice.pick((3, 4)), dice.between(0.30, 0.34), dice.between(0.066, 0.074)
    red, tiles = dice.pick(((172, 62, 48), (188, 82, 56))), dice.pick(((62, 92, 92), (74, 84, 100), (70, 100, 78)))
    y, tall = site.y, storey * (1.25 if storeys == 3 else 1.0)
    wall(site, site.x - width * 0.56, y - 0.03, site.x + width * 0.56, y, "stone", dice.pick(STONE))
    y -= 0.03
    glass = panes(site, site.x - width / 2, y - 0.4, site.x + width / 2, y)
    for level in range(storeys):
        half = width / 2 * (1 - 0.18 * level)
        wall(site, site.x - half, y - tall, site.x + half, y, "wood", red)
        if level == 0:
            door(site, site.x, y, 0.075, tall * 0.92, (84, 44, 40))
        for offset in (-0.56, 0.56):
            window(site, glass, site.x + offset * half, y - tall * 0.50, 0.048, tall * 0.56)
        y -= tall
        out, rise = half + 0.062, 0.052
        eaves = [(-out, y - 0.022), (-half * 0.96, y + 0.014), (half * 0.96, y + 0.014), (out, y - 0.022)]
        points = [*eaves, (half * 0.70, y - rise), (-half * 0.70, y - rise)]
        roof(site, [(site.x + x, height) for x, height in points], "tile", tiles)
        y -= rise - 0.004
    peak = [(site.x - half * 0.72, y + 0.004), (site.x, y - 0.055), (site.x + half * 0.72, y + 0.004)]
    roof(site, peak, "tile", tiles)
    gold = site.canvas.surface(
        ("building", "building-roof", "metal"), (214, 172, 84), (site.x - 0.02, y - 0.1, site.x + 0.02, y)
    )
    site.canvas.rectangle(gold, site.x - 0.009, y - 0.105, site.x + 0.009, y - 0.035)
    return site.x


def greenhouse(site: Site) -> float:
    """Glass walls under a glass barrel roof, framed in white metal, on a low brick wall."""
    dice = site.dice
    width, height = dice.between(0.50, 0.56), dice.between(0.14, 0.17)
    rise, plinth = dice.between(0.13, 0.16), 0.034
    x0, x1, eaves = site.x - width / 2, site.x + width / 2, site.y - height
    tint = mix(dice.pick(((150, 200, 186), (158, 206, 204), (150, 196, 168))), site.canvas.mood.horizon, 0.15)
    canvas, half = site.canvas, width / 2
    arch = [
        (site.x - half * math.cos(math.pi * step / 16), eaves - rise * math.sin(math.pi * step / 16))
        for step in range(17)
    ]
    roof(site, arch, "glass", scaled(tint, 1.06))
    wall(site, x0, eaves, x1, site.y, "glass", scaled(tint, 0.82))
    wall(site, x0, site.y - plinth, x1, site.y, "brick", (158, 98, 78))
    box = (x0, eaves - rise, x1, site.y)
    frame = canvas.surface(("building", "building-wall", "metal"), (240, 242, 240), box, 0.05)
    ribs = canvas.surface(("building", "building-roof", "metal"), (240, 242, 240), box, 0.05)
    canvas.line(ribs, arch, 0.018)
    for share in (-0.68, -0.34, 0.0, 0.34, 0.68):
        x = site.x + share * half
        canvas.rectangle(ribs, x - 0.008, eaves - rise * math.sqrt(1 - share**2), x + 0.008, eaves)
    for share in (-1.0, -0.68, -0.34, 0.34, 0.68, 1.0):
        x = site.x + share * (half - 0.008)
        canvas.rectangle(frame, x - 0.008, eaves, x + 0.008, site.y - plinth)
    canvas.rectangle(frame, x0, eaves - 0.010, x1, eaves + 0.010)
    door(site, site.x, site.y, 0.080, height * 0.82, dice.pick(((54, 98, 82), (92, 62, 44), (64, 84, 110))))
    return site.x


def skyscraper(site: Site) -> float:
    """A slab of window bands with a narrower top and a mast."""
    dice = site.dice
    width, tall = dice.between(0.20, 0.25), dice.between(0.42, 0.47)
    colour = dice.pick(((186, 190, 196), (206, 198, 184), (128, 142, 160), (172, 150, 134)))
    x0, x1, top, crown = site.x - width / 2, site.x + width / 2, site.y - tall, 0.075
    metal = ("building", "building-roof", "metal")
    mast = site.canvas.surface(metal, (110, 114, 122), (x0, 0, x1, top), 0.05)
    site.canvas.rectangle(mast, site.x - 0.009, top - crown - 0.085, site.x + 0.009, top - crown)
    wall(site, site.x - width * 0.32, top - crown, site.x + width * 0.32, top, "stone", scaled(colour, 0.94))
    wall(site, x0, top, x1, site.y, "stone", colour)
    slab = site.canvas.surface(metal, (98, 102, 110), (x0, top - crown, x1, top), 0.05)
    site.canvas.rectangle(slab, x0 - 0.010, top - 0.012, x1 + 0.010, top + 0.010)
    site.canvas.rectangle(slab, site.x - width * 0.35, top - crown - 0.010, site.x + width * 0.35, top - crown + 0.010)
    glass = panes(site, x0, top - crown, x1, site.y)
    floors, columns = dice.pick((6, 7)), dice.pick((3, 4))
    storey, bay = (tall - 0.12) / floors, (width - 0.03) / columns
    for floor in range(floors):
        y = top + 0.028 + storey * (floor + 0.5)
        for column in range(columns):
            window(site, glass, x0 + 0.015 + bay * (column + 0.5), y, bay * 0.70, storey * 0.62)
    window(site, glass, site.x, top - crown / 2, width * 0.46, 0.030)
    door(site, site.x, site.y, 0.090, 0.070, (52, 56, 66))
    return site.x
