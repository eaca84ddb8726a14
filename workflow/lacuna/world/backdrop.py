"""What lies behind everything: sky, sun, clouds, hills, grass and the path."""

from __future__ import annotations

import math

from lacuna.world.canvas import Canvas
from lacuna.world.look import Colour, Dice, lit, mix, scaled

MEADOWS: tuple[Colour, ...] = ((116, 166, 72), (98, 154, 70), (132, 172, 78), (146, 168, 84))
EARTH: tuple[Colour, ...] = ((206, 184, 146), (188, 172, 150), (214, 198, 168))


def sky(canvas: Canvas, dice: Dice) -> None:
    """The whole picture, from the zenith's colour down to the horizon's."""
    brightness = dice.between(0.94, 1.04)
    top, bottom = scaled(canvas.mood.zenith, brightness), scaled(canvas.mood.horizon, brightness)
    canvas.rectangle(canvas.gradient(("sky", "-", "-"), top, bottom, 0.0, 0.7), 0, 0, 1, 1)


def sun(canvas: Canvas, dice: Dice) -> None:
    """A disc on the side that the light comes from."""
    radius = dice.between(0.050, 0.066)
    reach = dice.between(0.07, 0.22)
    x = reach if canvas.side < 0 else 1 - reach
    y = dice.between(0.09, 0.20)
    colour = canvas.mood.sun
    canvas.ellipse(
        canvas.gradient(("sun", "-", "-"), colour, mix(colour, (255, 190, 90), 0.25), 0, 0.3), x, y, radius, radius
    )


def cloud(canvas: Canvas, dice: Dice, slot: int) -> None:
    """A flat base under three or four round tops."""
    x = (0.16, 0.50, 0.84)[slot] + dice.between(-0.12, 0.12)
    y = dice.between(0.08, 0.27)
    width, height = dice.between(0.20, 0.34), dice.between(0.055, 0.080)
    white = scaled(canvas.mood.cloud, dice.between(0.97, 1.0))
    shade = mix(white, canvas.mood.zenith, 0.28)
    surface = canvas.gradient(("cloud", "-", "-"), white, shade, y - height, y + height * 0.6)
    canvas.ellipse(surface, x, y, width / 2, height * 0.5)
    for side in (-0.26, 0.0, 0.24):
        offset, swell = dice.between(-0.03, 0.03), dice.between(0.75, 1.0)
        radius = height * swell * (1.0 if side == 0.0 else 0.72)
        canvas.ellipse(surface, x + side * width + offset, y - radius * 0.45, radius * 1.25, radius)


def hill(canvas: Canvas, dice: Dice, horizon: float) -> None:
    """A far ridge of two sine waves, bluer than the meadow before it."""
    height, phase = dice.between(0.07, 0.13), dice.between(0, 2 * math.pi)
    waves, second = dice.between(0.7, 1.3), dice.between(0, 2 * math.pi)
    colour = mix((86, 132, 112), canvas.mood.horizon, dice.between(0.10, 0.25))
    surface = canvas.surface(("hill", "-", "foliage"), colour, (0, horizon - height, 1, horizon), down=0.12)
    ridge = []
    for step in range(33):
        angle = 2 * math.pi * waves * step / 32
        swell = 0.62 + 0.26 * math.sin(angle + phase) + 0.12 * math.sin(2.3 * angle + second)
        ridge.append((step / 32, horizon - height * swell))
    canvas.polygon(surface, [(0, horizon + 0.02), *ridge, (1.01, ridge[-1][1]), (1.01, horizon + 0.02)])


def grass(canvas: Canvas, dice: Dice, horizon: float) -> None:
    """A meadow from the horizon down, paler in the distance."""
    near = scaled(dice.pick(MEADOWS), dice.between(0.92, 1.02))
    far = mix(near, canvas.mood.horizon, 0.22)
    top, bottom = lit(far, canvas.mood), lit(scaled(near, 0.88), canvas.mood)
    surface = canvas.gradient(("grass", "-", "foliage"), top, bottom, horizon, 1, ground=True)
    canvas.rectangle(surface, 0, horizon, 1, 1)


def path(canvas: Canvas, dice: Dice, door_x: float, door_y: float) -> None:
    """From the door to the lower edge, wider as it comes nearer, in a gentle bend."""
    end, bend = door_x + dice.between(-0.28, 0.28), dice.between(-0.10, 0.10)
    width = dice.between(0.17, 0.25)
    surface = canvas.surface(("path", "-", "gravel"), dice.pick(EARTH), (0, door_y, 1, 1), across=0.05, down=0.10)
    left, right = [], []
    for step in range(13):
        t = step / 12
        middle = door_x + (end - door_x) * t + bend * math.sin(math.pi * t)
        half = 0.5 * (0.07 + (width - 0.07) * t)
        y = door_y + (1.02 - door_y) * t**1.3
        left.append((middle - half, y))
        right.append((middle + half, y))
    canvas.polygon(surface, [*left, *reversed(right)])
