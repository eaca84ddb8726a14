"""The names of the world: classes by category, which object owns which part, and how often objects occur."""

from __future__ import annotations

from typing import NamedTuple

NOTHING = "-"

VOCABULARY: dict[str, tuple[str, ...]] = {
    "object": (
        NOTHING, "sky", "building", "tower", "tree", "grass", "path", "fence", "car",
        "person", "cloud", "sun", "bench", "signboard", "hill",
    ),
    "part": (
        NOTHING, "building-wall", "building-roof", "building-window", "building-door", "building-column",
        "building-sail", "tower-wall", "tower-roof", "tower-window", "person-head", "person-torso", "person-leg",
        "car-body", "car-window", "car-wheel", "tree-trunk", "tree-crown",
    ),
    "material": (
        NOTHING, "stone", "plaster", "brick", "wood", "tile", "foliage", "gravel", "metal", "glass", "skin", "fabric",
        "rubber",
    ),
    "scene": (
        "chapel", "house", "barn", "castle", "lighthouse", "windmill", "pagoda", "greenhouse", "skyscraper", "temple",
    ),
}  # fmt: skip

PART_OWNERS: dict[str, str] = {part: part.split("-")[0] for part in VOCABULARY["part"][1:]}

SCENE_WEIGHTS: dict[str, float] = {kind: 0.28 if kind == "chapel" else 0.08 for kind in VOCABULARY["scene"]}

TOWER_KINDS = ("chapel", "castle", "lighthouse")


class Frequency(NamedTuple):
    """`slots` places in a scene, each taken on its own with `probability`; slots * probability are expected."""

    slots: int
    probability: float


FREQUENCIES: dict[str, Frequency] = {
    "tower": Frequency(1, 1.0),  # one group of towers, in scenes of TOWER_KINDS only
    "tree": Frequency(3, 0.42),  # some tree in 80 % of the scenes
    "path": Frequency(1, 0.70),
    "fence": Frequency(1, 0.40),
    "car": Frequency(1, 0.30),
    "person": Frequency(3, 0.18),  # somebody in 45 %
    "cloud": Frequency(3, 0.33),  # some cloud in 70 %
    "sun": Frequency(1, 0.25),
    "bench": Frequency(1, 0.25),
    "signboard": Frequency(1, 0.20),
    "hill": Frequency(1, 0.50),
}
