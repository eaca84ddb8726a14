"""How often the verdicts on appearance are right, on distortions that are known: the table in docs/statistics.md.

python -m benchmarks.appearance

Scenes of the world, seen through the demo's segmenter; regions by the exact labels and by the segmenter. One object at
a time is distorted, in scenes of its own. Every comparison takes SIZE regions of each class from either side.

Shape suffixes: N images, D features.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lacuna.appearance.regions import regions
from lacuna.appearance.verdicts import Looks, Rule, Tested, compare_looks, judged
from lacuna.config.distribution import Appearance, Regions
from lacuna.runtime.seeds import rng
from lacuna.segmenters.loading import load_segmenter
from lacuna.segmenters.region_features import COLOURS, passing_maps, region_features
from lacuna.segmenters.segmenter import Segmenter
from lacuna.world import VOCABULARY, Scene, World
from lacuna.world.distortion import DISTORTIONS, distorted

SIZE = 200  # regions a side: what 2,000 images give of a class in a tenth of them
SOUND_SCENES = 2400
OWN_SCENES = 1200  # at most, to draw SIZE scenes with a class from
STRENGTHS = (0.5, 1.0)
NULL_COMPARISONS, COMPARISONS = 40, 3
JUDGES = ("exact", "segmented")
OBJECTS = VOCABULARY["object"]
BATCH = 50
SETTINGS, KEPT = Appearance(), Regions()
RULE = Rule(SETTINGS.altered_by, SETTINGS.q_below, SETTINGS.confidence, 999, SETTINGS.area_tolerance)
Seen = dict[tuple[str, int], Looks]  # by judge and position of the class


def main() -> None:
    segmenter = load_segmenter("upernet", "workflow/demo/segmenter.safetensors")
    world, other = World(seed=51), World(seed=52)
    sound = seen(segmenter, (world.scene(i) for i in range(SOUND_SCENES)))
    blocks = (*segmenter.network.encoder.out_widths[: KEPT.maps], COLOURS)
    known = {judge: null(sound, judge, blocks) for judge in JUDGES}
    for judge in JUDGES:
        claimed = [word == "altered" for _, words in known[judge] for word in words]
        alike = [word == "alike" for _, words in known[judge] for word in words]
        print(f"{judge}: nothing distorted: altered {sum(claimed)} of {len(claimed)}, alike {np.mean(alike):.1%}")
    print(
        "| areas | object | distortion | grey levels | found at 0.5 | at 1 | distance at 0.5 | at 1 | others altered |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for position, kind in itertools.product(range(1, len(OBJECTS)), DISTORTIONS):
        scenes = with_object(other, position)
        found: dict[tuple[str, float], tuple[list[str], float]] = {}
        changes = []
        for strength in STRENGTHS:
            spoilt = [spoil(scene, position, kind, strength, number) for number, scene in enumerate(scenes)]
            pairs = zip(scenes, spoilt, strict=True)
            changes.append(np.mean([change(*pair, position) for pair in pairs]))
            generated = seen(segmenter, iter(spoilt))
            for judge in JUDGES:
                found[judge, strength] = measured(sound, generated, judge, position, blocks, known[judge])
            if strength == 1:
                leaked = {judge: others(sound, generated, judge, position, blocks) for judge in JUDGES}
        for judge in JUDGES:
            half, full = (found[judge, strength] for strength in STRENGTHS)
            shares = [f"{np.mean([word == 'altered' for word in words]):.0%}" for words, _ in (half, full)]
            print(
                f"| {judge} | {OBJECTS[position]} | {kind} | {changes[0]:.0f}, {changes[1]:.0f} | {shares[0]} "
                f"| {shares[1]} | {half[1]:.3f} | {full[1]:.3f} | {leaked[judge][0]} of {leaked[judge][1]} |",
                flush=True,
            )


def with_object(world: World, position: int) -> list[Scene]:
    """The first SIZE scenes that show an object."""
    scenes = (world.scene(i) for i in range(OWN_SCENES))
    return list(itertools.islice((s for s in scenes if (s.labels_object == position).sum() > 8), SIZE))


def spoil(scene: Scene, position: int, kind: str, strength: float, number: int) -> Scene:
    """The scene with one object distorted."""
    dice = rng(1, "benchmark", kind, position, number)
    return scene._replace(image=distorted(scene.image, scene.labels_object == position, kind, strength, dice))


def change(before: Scene, after: Scene, position: int) -> float:
    """Grey levels by which the object's pixels have changed on average."""
    mask_HW = before.labels_object == position
    return float(np.abs(before.image[mask_HW].astype(int) - after.image[mask_HW]).mean())


def seen(segmenter: Segmenter, scenes: Iterator[Scene]) -> Seen:
    """One region of each class and scene, by each judge."""
    areas: dict[tuple[str, int], list[int]] = defaultdict(list)
    features: dict[tuple[str, int], list[NDArray]] = defaultdict(list)
    dice = rng(1, "benchmark", "regions")
    with passing_maps(segmenter) as maps:
        while batch := list(itertools.islice(scenes, BATCH)):
            labels_NHW = segmenter.label_maps(np.stack([scene.image for scene in batch]))["object"].numpy()
            for row, scene in enumerate(batch):
                for judge, labels_HW in zip(JUDGES, (scene.labels_object, labels_NHW[row]), strict=True):
                    found = regions(labels_HW, KEPT.least_percent / 100 * labels_HW.size, KEPT.join)
                    chosen = [dice.choice(np.flatnonzero(found.label_R == c)) for c in np.unique(found.label_R)]
                    own = [level[row] for level in maps[: KEPT.maps]]
                    rows = region_features(own, scene.image, found.number_HW, np.array(chosen) + 1)
                    for number, feature in zip(chosen, rows, strict=True):
                        key = judge, int(found.label_R[number])
                        areas[key].append(int(found.area_px_R[number]))
                        features[key].append(feature)
    return {key: Looks(np.array(areas[key]), np.stack(features[key]).astype(np.float64)) for key in areas}


def some(looks: Looks, rows: NDArray) -> Looks:
    return Looks(looks.area_px[rows], looks.features[rows])


def null(sound: Seen, judge: str, blocks: Sequence[int]) -> list[tuple[list[Tested], list[str]]]:
    """Comparisons of two disjoint samples of the same scenes' regions: every class, and its verdict."""
    found = []
    for number in range(NULL_COMPARISONS):
        dice = rng(1, "benchmark", "null", judge, number)
        tested = []
        for position in range(1, len(OBJECTS)):
            looks = sound[judge, position]
            order = dice.permutation(len(looks.area_px))
            sides = some(looks, order[:SIZE]), some(looks, order[SIZE : 2 * SIZE])
            tested.append(compare_looks(*sides, blocks, RULE, dice))
        found.append((tested, judged(tested, RULE)[1]))
    return found


def measured(
    sound: Seen, generated: Mapping[tuple[str, int], Looks], judge: str, position: int, blocks: Sequence[int],
    known: Sequence[tuple[list[Tested], list[str]]],
) -> tuple[list[str], float]:  # fmt: skip
    """Verdicts of the distorted class beside 13 that are sound, and its mean distance."""
    dice = rng(1, "benchmark", "planted", judge, position)
    words, distances = [], []
    for number in range(COMPARISONS):
        real = sound[judge, position]
        one = some(real, dice.permutation(len(real.area_px))[:SIZE])
        tested = list(known[number][0])
        tested[position - 1] = compare_looks(one, generated[judge, position], blocks, RULE, dice)
        words.append(judged(tested, RULE)[1][position - 1])
        distances.append(tested[position - 1].found.value)
    return words, float(np.mean(distances))


def others(
    sound: Seen, generated: Mapping[tuple[str, int], Looks], judge: str, position: int, blocks: Sequence[int]
) -> tuple[int, int]:
    """Of the classes that were not distorted, seen in the same scenes: how many are called altered, of how many."""
    dice = rng(1, "benchmark", "others", judge, position)
    tested = []
    for c in range(1, len(OBJECTS)):
        if c != position and (judge, c) in generated:
            real = sound[judge, c]
            one = some(real, dice.permutation(len(real.area_px))[:SIZE])
            tested.append(compare_looks(one, generated[judge, c], blocks, RULE, dice))
    return judged(tested, RULE)[1].count("altered"), len(tested)


if __name__ == "__main__":
    main()
