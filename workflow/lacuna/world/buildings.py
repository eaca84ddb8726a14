"""Five of the ten scene kinds: chapel, house, barn, castle, temple. Each returns the x of its door."""

from __future__ import annotations

from lacuna.world.look import BRICK, DOOR, PLASTER, STONE, TILE, TIMBER, scaled
from lacuna.world.masonry import Site, battlements, door, panes, pitched_roof, roof, spire, wall, window


def chapel(site: Site) -> float:
    """A nave with arched windows, and a tower with a spire at one end."""
    dice = site.dice
    width, height, rise = dice.between(0.34, 0.40), dice.between(0.17, 0.20), dice.between(0.12, 0.15)
    material, colours = dice.pick((("stone", STONE), ("plaster", PLASTER)))
    colour, tiles, way = dice.pick(colours), dice.pick(TILE), dice.pick((-1.0, 1.0))
    x0, x1, eaves = site.x - width / 2, site.x + width / 2, site.y - height
    wall(site, x0, eaves, x1, site.y, material, colour)
    pitched_roof(site, x0, x1, eaves, eaves - rise, 0.035, tiles)
    glass = panes(site, x0, eaves, x1, site.y)
    inner = site.x + way * 0.05
    for offset in (-1, 1):
        window(site, glass, inner + offset * width * 0.26, site.y - height * 0.52, 0.042, height * 0.36, arched=True)
    door(site, inner, site.y, 0.066, height * 0.52, dice.pick(DOOR), arched=True)
    tower_width, tower_height = dice.between(0.125, 0.150), dice.between(0.35, 0.40)
    spire_height = dice.between(0.15, 0.19)
    if site.towers:
        x, top = site.x - way * (width / 2 + 0.01), site.y - tower_height
        wall(site, x - tower_width / 2, top, x + tower_width / 2, site.y, material, scaled(colour, 1.03), "tower")
        spire(site, x, tower_width, top, spire_height, tiles, cross=True)
        bell = panes(site, x - 0.03, top, x + 0.03, site.y, "tower")
        window(site, bell, x, top + 0.075, 0.046, 0.055, arched=True)
        window(site, bell, x, site.y - 0.15, 0.034, 0.050, arched=True)
    return inner


def house(site: Site) -> float:
    """A plastered front under a wide gable, two windows beside the door, two above, and a chimney."""
    dice = site.dice
    width, height, rise = dice.between(0.34, 0.42), dice.between(0.22, 0.26), dice.between(0.15, 0.18)
    material, colours = dice.pick((("plaster", PLASTER), ("plaster", PLASTER), ("brick", BRICK)))
    x0, x1, eaves = site.x - width / 2, site.x + width / 2, site.y - height
    chimney_x = site.x + dice.pick((-1.0, 1.0)) * width * 0.28
    chimney = site.canvas.surface(("building", "-", "brick"), dice.pick(BRICK), (x0, eaves - rise, x1, eaves))
    site.canvas.rectangle(chimney, chimney_x - 0.028, eaves - rise * 0.98, chimney_x + 0.028, eaves)
    wall(site, x0, eaves, x1, site.y, material, dice.pick(colours))
    points = [(x0 - 0.035, eaves + 0.012), (site.x, eaves - rise), (x1 + 0.035, eaves + 0.012)]
    roof(site, points, "tile", dice.pick(TILE))
    glass = panes(site, x0, eaves, x1, site.y)
    for offset in (-1, 1):
        for level in (0.30, 0.74):
            window(site, glass, site.x + offset * width * 0.30, site.y - height * level, 0.062, 0.062)
    window(site, glass, site.x, site.y - height * 0.78, 0.050, 0.056)
    door(site, site.x, site.y, 0.070, height * 0.50, dice.pick(DOOR))
    return site.x


def barn(site: Site) -> float:
    """Red boards under a gambrel roof, and a wide door crossed with white beams."""
    dice = site.dice
    width, height = dice.between(0.42, 0.48), dice.between(0.19, 0.22)
    x0, x1, eaves, half = site.x - width / 2, site.x + width / 2, site.y - height, width / 2
    red = scaled(dice.pick(TIMBER[:2]), dice.between(0.95, 1.15))
    surface = wall(site, x0, eaves, x1, site.y, "wood", red)
    knee, ridge = eaves - dice.between(0.11, 0.13), eaves - dice.between(0.18, 0.20)
    slate = dice.pick(((96, 96, 104), (120, 116, 112), (84, 76, 74)))
    outer = [(x0 - 0.03, eaves + 0.01), (site.x - half * 0.62, knee - 0.025), (site.x, ridge - 0.03)]
    roof(site, outer + [(2 * site.x - x, y) for x, y in reversed(outer[:2])], "tile", slate)
    inner = [(x0 + 0.012, eaves + 0.012), (site.x - half * 0.54, knee + 0.015), (site.x, ridge + 0.015)]
    site.canvas.polygon(surface, inner + [(2 * site.x - x, y) for x, y in reversed(inner[:2])])
    glass = panes(site, x0, knee, x1, eaves)
    window(site, glass, site.x, eaves - 0.045, 0.075, 0.070)
    tall, wide = height * 0.78, 0.19
    door(site, site.x, site.y, wide, tall, scaled(red, 0.72))
    beam = site.canvas.surface(("building", "building-door", "wood"), (238, 232, 220), (x0, eaves, x1, site.y), 0.05)
    left, right, top, foot = site.x - wide / 2, site.x + wide / 2, site.y - tall, site.y - 0.004
    site.canvas.line(beam, [(left, top), (right, top), (right, foot), (left, foot), (left, top)], 0.017)
    for ends in (((left, top), (right, foot)), ((left, foot), (right, top))):
        site.canvas.line(beam, ends, 0.017)
    return site.x


def castle(site: Site) -> float:
    """A battlemented stone wall with a dark gate between two towers, flags on top."""
    dice = site.dice
    width, height, tall = dice.between(0.44, 0.50), dice.between(0.19, 0.23), dice.between(0.34, 0.40)
    colour, tower_width, pointed = dice.pick(STONE), dice.between(0.125, 0.145), dice.chance(0.4)
    x0, x1, top = site.x - width / 2, site.x + width / 2, site.y - height
    curtain = wall(site, x0, top, x1, site.y, "stone", colour)
    battlements(site, curtain, x0, x1, top, 0.036)
    glass = panes(site, x0, top, x1, site.y)
    for offset in (-0.14, 0.14):
        window(site, glass, site.x + offset * width / 0.48, site.y - height * 0.64, 0.034, 0.050, arched=True)
    door(site, site.x, site.y, 0.10, height * 0.42, dice.pick(DOOR[:2]), arched=True)
    cloth, tiles = dice.pick(((196, 52, 46), (48, 84, 160), (226, 178, 60))), dice.pick(TILE)
    for offset in (-1, 1) if site.towers else ():
        x, battlement = site.x + offset * width / 2, site.y - tall
        left, right = x - tower_width / 2, x + tower_width / 2
        keep = wall(site, left, battlement, right, site.y, "stone", scaled(colour, 1.06), "tower")
        flag = site.canvas.surface(("tower", "-", "fabric"), cloth, (left, 0, right + 0.1, battlement), 0.05)
        mast = battlement - (0.22 if pointed else 0.15)
        site.canvas.rectangle(flag, x - 0.007, mast, x + 0.007, battlement)
        site.canvas.polygon(flag, [(x, mast), (x + 0.085, mast + 0.027), (x, mast + 0.055)])
        if pointed:
            spire(site, x, tower_width, battlement, 0.14, tiles, cross=False)
        else:
            battlements(site, keep, left - 0.016, right + 0.016, battlement + 0.02, 0.036)
            site.canvas.rectangle(keep, left - 0.016, battlement + 0.015, right + 0.016, battlement + 0.045)
        slit = panes(site, left, battlement, right, site.y, "tower")
        window(site, slit, x, battlement + 0.11, 0.036, 0.060, arched=True)
    return site.x


def temple(site: Site) -> float:
    """Pale columns on three steps, a pediment above, the cella dark behind them."""
    dice = site.dice
    width, height = dice.between(0.46, 0.52), dice.between(0.20, 0.23)
    marble = scaled(dice.pick(((232, 226, 210), (222, 212, 190), (214, 210, 204))), dice.between(0.96, 1.02))
    x0, x1, steps = site.x - width / 2, site.x + width / 2, site.y - 0.048
    top, beam = steps - height, 0.042
    wall(site, x0 + 0.03, top, x1 - 0.03, steps, "stone", scaled(marble, 0.56))
    door(site, site.x, steps, 0.075, height * 0.62, dice.pick(DOOR))
    for level in range(3):
        out = 0.022 * (2 - level)
        shade = scaled(marble, 0.90 - 0.06 * level)
        wall(site, x0 - out, steps + 0.016 * (2 - level), x1 + out, steps + 0.016 * (3 - level), "stone", shade)
    column = ("building", "building-column", "stone")
    number, thick = dice.pick((4, 6)), 0.038
    for place in range(number):
        x = x0 + 0.035 + (width - 0.07) * place / (number - 1)
        surface = site.canvas.surface(column, marble, (x - thick / 2, top, x + thick / 2, steps), 0.30)
        site.canvas.rectangle(surface, x - thick / 2, top, x + thick / 2, steps)
    gable = [(x0 - 0.025, top - beam), (site.x, top - beam - 0.125), (x1 + 0.025, top - beam)]
    roof(site, gable, "stone", scaled(marble, 0.94))
    inside = [(x0 + 0.055, top - beam - 0.014), (site.x, top - beam - 0.098), (x1 - 0.055, top - beam - 0.014)]
    roof(site, inside, "stone", scaled(marble, 0.78))
    wall(site, x0 - 0.012, top - beam, x1 + 0.012, top, "stone", scaled(marble, 1.0))
    return site.x
