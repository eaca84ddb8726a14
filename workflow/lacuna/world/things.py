"""What stands on the meadow: trees, fences, benches, signboards, people and cars. (x, y) is where a thing stands."""

from __future__ import annotations

from lacuna.world.canvas import Canvas
from lacuna.world.look import CLOTH, LEAVES, PAINT, SKIN, TROUSERS, Dice, scaled

BARK = ((104, 76, 54), (120, 92, 70), (88, 68, 56))
WHITEWASH = ((246, 244, 238), (240, 236, 226), (214, 188, 150))
BOARDS = ((52, 108, 74), (44, 82, 148), (176, 52, 46), (232, 186, 66))


def nearness(y: float) -> float:
    """Size of a thing that stands at height y of the picture: 0.8 far off, 1.2 at the lower edge."""
    return 0.8 + 0.4 * min(max((y - 0.70) / 0.28, 0.0), 1.0)


def tree(canvas: Canvas, dice: Dice, x: float, y: float, height: float) -> None:
    """Round, poplar or conifer."""
    kind, colour = dice.pick(("round", "round", "conifer", "poplar")), dice.pick(LEAVES)
    width = height * {"round": dice.between(0.56, 0.70), "conifer": 0.46, "poplar": 0.30}[kind]
    thickness, top = max(0.030, height * 0.085), y - height
    foot = y - height * (0.20 if kind == "conifer" else 0.34)
    canvas.shadow(x, y, width * 0.55, 0.022)
    trunk = canvas.surface(
        ("tree", "tree-trunk", "wood"), dice.pick(BARK), (x - thickness, foot, x + thickness, y), 0.3
    )
    canvas.rectangle(trunk, x - thickness / 2, foot - 0.05, x + thickness / 2, y)
    box = (x - width / 2, top, x + width / 2, foot)
    crown = canvas.surface(("tree", "tree-crown", "foliage"), scaled(colour, dice.between(0.92, 1.08)), box, 0.34, 0.36)
    if kind == "conifer":
        for level in range(3):
            peak, base = top + (foot - top) * 0.26 * level, top + (foot - top) * (0.46 + 0.27 * level)
            half = width * (0.30 + 0.10 * level)
            canvas.polygon(crown, [(x, peak), (x + half, base), (x - half, base)])
        return
    middle, half = (top + foot) / 2, (foot - top) / 2
    canvas.ellipse(crown, x, middle, width * 0.44, half)
    if kind == "round":
        lean = dice.between(-0.03, 0.03)
        canvas.ellipse(crown, x - width * 0.24, middle + half * 0.30 + lean, width * 0.27, half * 0.62)
        canvas.ellipse(crown, x + width * 0.24, middle + half * 0.22 - lean, width * 0.27, half * 0.62)


def fence(canvas: Canvas, dice: Dice, y: float, gap_x: float) -> None:
    """White pickets and two rails, left or right of the path or on both sides of it."""
    size, sides = nearness(y), dice.pick(("left", "right", "both", "both"))
    height, wide, step = 0.105 * size, 0.030 * size, 0.052 * size
    left_part, right_part = (-0.02, gap_x - 0.10), (gap_x + 0.10, 1.02)
    ends = {"left": [left_part], "right": [right_part], "both": [left_part, right_part]}
    surface = canvas.surface(("fence", "-", "wood"), dice.pick(WHITEWASH), (0, y - height, 1, y), 0.08, 0.14)
    for start, end in ends[sides]:
        canvas.shadow((start + end) / 2, y, abs(end - start) / 2, 0.012)
        for share in (0.30, 0.74):
            canvas.rectangle(surface, start, y - height * share - 0.010 * size, end, y - height * share + 0.010 * size)
        for count in range(int((end - start) / step) + 1):
            left, tip = start + count * step, y - height
            canvas.polygon(
                surface,
                [
                    (left, y),
                    (left, tip + 0.016),
                    (left + wide / 2, tip - 0.004),
                    (left + wide, tip + 0.016),
                    (left + wide, y),
                ],
            )


def bench(canvas: Canvas, dice: Dice, x: float, y: float) -> None:
    """A slat to lean on, a seat and metal legs."""
    size = nearness(y)
    half, height = dice.between(0.090, 0.110) * size, 0.098 * size
    colour = dice.pick(((150, 96, 56), (122, 76, 48), (172, 118, 72)))
    canvas.shadow(x, y, half * 1.1, 0.016)
    iron = canvas.surface(("bench", "-", "metal"), (58, 60, 66), (x - half, y - height, x + half, y))
    for side in (-0.80, 0.80):
        canvas.rectangle(iron, x + side * half - 0.010 * size, y - height, x + side * half + 0.010 * size, y)
    wood = canvas.surface(("bench", "-", "wood"), colour, (x - half, y - height, x + half, y), 0.1, -0.15)
    canvas.rectangle(wood, x - half, y - height, x + half, y - height * 0.64)
    canvas.rectangle(wood, x - half * 1.06, y - height * 0.44, x + half * 1.06, y - height * 0.23)


def signboard(canvas: Canvas, dice: Dice, x: float, y: float) -> None:
    """A painted board with a pale border and stripe on one post."""
    size = nearness(y)
    half, height = dice.between(0.062, 0.078) * size, dice.between(0.165, 0.190) * size
    colour, drop = dice.pick(BOARDS), 0.092 * size
    canvas.shadow(x, y, half * 0.7, 0.012)
    post = canvas.surface(("signboard", "-", "wood"), (112, 84, 62), (x - half, y - height, x + half, y))
    canvas.rectangle(post, x - 0.013 * size, y - height, x + 0.013 * size, y)
    box = (x - half, y - height, x + half, y - height + drop)
    border = canvas.surface(("signboard", "-", "metal"), (240, 238, 228), box, 0.05)
    canvas.rectangle(border, *box)
    board = canvas.surface(("signboard", "-", "metal"), colour, box, 0.05)
    edge = 0.010 * size
    canvas.rectangle(board, x - half + edge, y - height + edge, x + half - edge, y - height + drop * 0.40)
    canvas.rectangle(board, x - half + edge, y - height + drop * 0.60, x + half - edge, y - height + drop - edge)


def person(canvas: Canvas, dice: Dice, x: float, y: float) -> None:
    """Head, torso with arms, and legs or a skirt over them; three in five wear a hat."""
    height = dice.between(0.165, 0.195) * nearness(y)
    skin, cloth = dice.pick(SKIN), dice.pick(CLOTH)
    hips, neck = y - height * 0.44, y - height * 0.78
    half, box = height * 0.135, (x - height * 0.2, y - height, x + height * 0.2, y)
    canvas.shadow(x, y, height * 0.22, 0.014)
    leg = canvas.surface(("person", "person-leg", "fabric"), dice.pick(TROUSERS), box, 0.1)
    stride = height * dice.between(0.02, 0.07)
    for side in (-1, 1):
        top, foot = x + side * half * 0.55, x + side * (half * 0.55 + stride)
        wide = height * 0.062
        canvas.polygon(leg, [(top - wide, hips - 0.01), (top + wide, hips - 0.01), (foot + wide, y), (foot - wide, y)])
    torso = canvas.surface(("person", "person-torso", "fabric"), cloth, box, 0.15, 0.1)
    bare = dice.chance(0.5)
    arm = canvas.surface(("person", "person-torso", "skin"), skin, box) if bare else torso
    for side in (-1, 1):
        start, end = x + side * half * 1.0, x + side * half * 1.45
        wide = height * 0.045
        canvas.polygon(arm, [(start - wide, neck), (start + wide, neck), (end + wide, hips), (end - wide, hips)])
    canvas.polygon(torso, [(x - half, neck), (x + half, neck), (x + half * 0.86, hips), (x - half * 0.86, hips)])
    if dice.chance(0.3):
        canvas.polygon(
            torso,
            [
                (x - half * 0.8, hips),
                (x + half * 0.8, hips),
                (x + half * 1.3, y - height * 0.24),
                (x - half * 1.3, y - height * 0.24),
            ],
        )
    head = canvas.surface(("person", "person-head", "skin"), skin, box, 0.12, 0.0)
    canvas.ellipse(head, x, y - height * 0.87, height * 0.105, height * 0.125)
    if dice.chance(0.6):
        hat = canvas.surface(("person", "person-head", "fabric"), dice.pick(CLOTH), box)
        canvas.rectangle(hat, x - height * 0.12, y - height * 1.01, x + height * 0.12, y - height * 0.93)


def car(canvas: Canvas, dice: Dice, x: float, y: float) -> None:
    """Seen from the side, driving left or right."""
    size, way = nearness(y), dice.pick((-1.0, 1.0))
    half, tall = dice.between(0.135, 0.155) * size, dice.between(0.125, 0.140) * size
    colour, wheel = dice.pick(PAINT), 0.031 * size
    floor, belt, roof = y - wheel * 0.8, y - tall * 0.60, y - tall
    canvas.shadow(x, y, half * 1.1, 0.020)
    body = canvas.surface(("car", "car-body", "metal"), colour, (x - half, roof, x + half, y), 0.1, 0.30)
    outline = [(-1.0, floor), (-1.0, belt + 0.02), (-0.92, belt), (-0.62, belt), (-0.36, roof), (0.34, roof)]
    outline += [(0.62, belt), (0.95, belt + 0.012), (1.0, belt + 0.03), (1.0, floor)]
    canvas.polygon(body, [(x + way * half * across, height) for across, height in outline])
    glass = canvas.surface(("car", "car-window", "glass"), (120, 152, 176), (x - half, roof, x + half, belt), 0.1, 0.2)
    low, high = belt + 0.002, roof + 0.014 * size
    for corners in (
        ((-0.50, low), (-0.30, high), (-0.05, high), (-0.05, low)),
        ((0.06, low), (0.06, high), (0.29, high), (0.48, low)),
    ):
        canvas.polygon(glass, [(x + way * half * across, height) for across, height in corners])
    tyre = canvas.surface(("car", "car-wheel", "rubber"), (40, 40, 44), (x - half, floor, x + half, y), 0.0, 0.0)
    hub = canvas.surface(("car", "car-wheel", "metal"), (176, 178, 184), (x - half, floor, x + half, y), 0.0, 0.0)
    for side in (-0.58, 0.58):
        canvas.ellipse(tyre, x + side * half, y - wheel, wheel, wheel)
        canvas.ellipse(hub, x + side * half, y - wheel, wheel * 0.42, wheel * 0.42)
