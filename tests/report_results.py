"""A folder of results for the tests of the report: real scenes of the world, and a generator that is only pretended.

The pretended generator draws no person, and half of the fences, so what the page has to say is known.
"""

import shutil
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lacuna.appearance import instances
from lacuna.appearance import verdicts as looked
from lacuna.appearance.crops import Crop, crop
from lacuna.appearance.kept import KeptCrops
from lacuna.areas import verdicts
from lacuna.areas.omissions import Omission, class_omissions
from lacuna.formats import appearances, images, inversions, omissions, tables
from lacuna.runtime.provenance import Provenance
from lacuna.stages.omissions import omissions as rows_of
from lacuna.world import VOCABULARY, Scene, World

SCENES = 64
INVERTED = 12
UNCONVERGED = 2  # the last ones
PROVENANCE = Provenance(stage="test", code="0123456789abcdef")
CLASSES = list(VOCABULARY["object"])


def config(**changes: Any) -> dict[str, Any]:
    """A checked configuration as the workflow passes it, with some keys changed."""
    inversion = {"generator": "progan_chapel", "count": INVERTED, "methods": ["layered_r"]}
    return {
        "seed": 1,
        "report": "index",
        "downloads": {},
        "sources": {
            "chapel": {
                "kind": "world",
                "count": SCENES,
                "size": 64,
                "omit": [],
                "scale": {},
                "scenes": {},
                "palette": "day",
                "distort": {},
                "distort_strength": 1.0,
            },
            "progan": {"kind": "generator", "generator": "progan_chapel", "count": SCENES},
        },
        "segmenters": {"chapel": {"family": "upernet", "checkpoint": "segmenter.safetensors"}},
        "generators": {"progan_chapel": {"family": "progan", "checkpoint": "progan.safetensors", "encoders": {}}},
        "classifiers": {},
        "conditional": [],
        "class_counts": [],
        "truth": [],
        "comparisons": [{"real": "chapel", "generated": "progan", "segmenter": "chapel"}],
        "inversions": [{**inversion, "source": "chapel"}, {**inversion, "source": "progan"}],
        "shard_size": {"images": 1000, "inversions": 16},
        "calibrate": {"segmenters": []},
        "train_encoder": {"layer": 2},
        "fsd": {"presence_percent": 0.2},
    } | changes


def build(folder: Path, hostile: str | None = None) -> Path:
    """Write all results of `config()` under `folder`; `hostile` replaces the name of the class `bench`."""
    real = [World(64, seed=1).scene(i) for i in range(SCENES)]
    drawn = [World(64, seed=2, omit=["person"], scale={"fence": 0.5}).scene(i) for i in range(SCENES)]
    same = [World(64, seed=1, omit=["person", "bench"], scale={"fence": 0.5}).scene(i) for i in range(INVERTED)]
    classes = [hostile if hostile and name == "bench" else name for name in CLASSES]
    results = folder / "results"
    _write_images(results / "render" / "chapel" / f"0-{SCENES - 1}.h5", [scene.image for scene in real])
    _write_images(results / "sample" / "progan" / f"0-{SCENES - 1}.h5", [_softened(scene.image) for scene in drawn])
    _write_fsd(results / "fsd" / "chapel" / "chapel~progan", _areas(real), _areas(drawn), classes)
    _write_appearance(results / "appearance" / "chapel" / "chapel~progan", real, drawn, classes)
    own = _write_inversion(results, "progan", drawn[:INVERTED], drawn[:INVERTED], classes, [])
    _write_inversion(results, "chapel", real[:INVERTED], same, classes, own)
    for stage, seconds, memory in (("render", 1.5, 120.5), ("segment", 30.25, 900.0), ("invert", 200.0, 1500.0)):
        row = [seconds, "0:00:01", memory, "NA"]
        path = results / "benchmarks" / stage / "chapel" / "0-63.tsv"
        tables.write_tsv(path, ["s", "h:m:s", "max_rss", "io_in"], [row])
    for part in ("layer_1", "layer_2", "tail", "encoder"):
        rows = [[step, 2.0 * 0.9 ** (step / 10) + 0.05, 1e-3] for step in range(0, 200, 10)]
        tables.write_tsv(results / "train_encoder" / "progan_chapel" / f"{part}.tsv", ["step", "loss", "rate"], rows)
    return results


def copy_appearance(results: Path, name: str) -> None:
    """What is known of the looks of progan's classes, as if of another generator's."""
    for suffix in ("tsv", "numbers.tsv", "json", "h5"):
        stem = results / "appearance/chapel"
        shutil.copy(stem / f"chapel~progan.{suffix}", stem / f"chapel~{name}.{suffix}")


def build_many(folder: Path, num_images: int, num_classes: int) -> tuple[Path, dict[str, Any]]:
    """Results with very many inverted photos of very many classes, no two alike, and their configuration."""
    rng = np.random.default_rng(1)
    classes = ["-", *(f"class {number}" for number in range(1, num_classes))]
    results, size = folder / "results", 32
    before = rng.integers(1, num_classes, (num_images, 4, 4), dtype=np.uint16).repeat(8, axis=1).repeat(8, axis=2)
    after = before.copy()
    after[:, :16] = before[:, 16:]
    x = rng.integers(0, 256, (num_images, 4, 4, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    index, converged = np.arange(num_images), np.arange(num_images) % 10 > 0
    small = np.zeros((num_images, 2), dtype=np.float32)
    loss = np.linspace(1, 0.1, 30, dtype=np.float32)[None, :, None].repeat(num_images, axis=0)
    shard = inversions.Inversions(
        x=x, x_hat=255 - x, z0=small, z=small, r0=small, r=small, loss=loss, index=index, converged=converged,
        steps=np.arange(30), terms=("total",), method="layered_r", layer=2,
    )  # fmt: skip
    inversions.write(results / f"invert/layered_r/progan_chapel/chapel/0-{num_images - 1}.h5", shard, PROVENANCE)
    maps = omissions.OmissionMaps(before, after, before != after, index, converged, classes)
    omissions.write(results / "omissions/progan_chapel/chapel.h5", maps, PROVENANCE)
    columns = ["method", "quantity", "truth", "mean", "low", "high", "num_images"]
    tables.write_tsv(results / "evaluate/progan_chapel/chapel.tsv", columns, [])
    _write_ranking(
        results / "omissions/progan_chapel/chapel.classes.tsv",
        rows_of(before, after, index, converged, classes, {}),
        [],
    )
    areas = [
        np.stack([np.bincount(labels.ravel(), minlength=num_classes) for labels in side]) for side in (before, after)
    ]
    _write_fsd(results / "fsd/chapel/chapel~progan", *(counts * (100 / size**2) for counts in areas), classes)
    _write_appearance(results / "appearance/chapel/chapel~progan", [], [], classes)
    for stage, source in (("render", "chapel"), ("sample", "progan")):
        _write_images(results / stage / source / f"0-{SCENES - 1}.h5", list(x[:SCENES]))
    entry = {"generator": "progan_chapel", "source": "chapel", "count": num_images, "methods": ["layered_r"]}
    return results, config(inversions=[entry], shard_size={"images": 1000, "inversions": num_images})


def _write_images(path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    images.write(path, np.stack(pictures), np.arange(len(pictures)), PROVENANCE)


def _softened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As a generator might draw it: less sharp."""
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(0.7)))


def _areas(scenes: list[Scene]) -> NDArray[np.float64]:
    """(n, C) areas in percent."""
    counts = [np.bincount(scene.labels_object.ravel(), minlength=len(CLASSES)) for scene in scenes]
    return np.stack(counts) * (100 / scenes[0].labels_object.size)


def _write_fsd(stem: Path, real: NDArray[np.float64], generated: NDArray[np.float64], classes: list[str]) -> None:
    rows = []
    for number, name in enumerate(classes):
        before, after = real[:, number].mean(), generated[:, number].mean()
        delta = after / before - 1 if before else float("nan")
        shows, draws = (real[:, number] > 0).mean(), (generated[:, number] > 0).mean()
        verdict = "kept"
        if delta < -0.9:
            verdict = "omitted"
        elif delta < -0.4:
            verdict = "reduced"
        elif delta > 0.3:
            verdict = "excess"
        elif not before or abs(delta) > 0.15:
            verdict = "undecided"
        ratio = draws / shows if shows else float("nan")
        low, high = delta - 0.08, delta + 0.08
        contribution = (before - after) ** 2
        rows.append([name, "object", *map(float, (before, after, delta, low, high, shows, draws, ratio)), 0.001, 0.01,
                     float(contribution), verdict])  # fmt: skip
    tables.write_tsv(stem.with_suffix(".tsv"), verdicts.COLUMNS, rows)
    mean_term = float(np.square(real.mean(axis=0) - generated.mean(axis=0)).sum())
    summary = {
        "fsd": mean_term + 21.5, "mean_term": mean_term, "covariance_term": 21.5, "num_real": SCENES,
        "num_generated": SCENES, "unit": "percent", "baseline_fsd": 2.4, "baseline_num": SCENES // 2,
        "baseline_low": 1.9, "baseline_high": 3.0, "fsd_at_baseline_num": mean_term + 23.0, "category": "object",
        "fsd_infinity": mean_term + 19.0, "fsd_infinity_low": mean_term + 17.0, "fsd_infinity_high": mean_term + 21.0,
        "confidence": 0.95, "warnings": [], "num_classes": len(classes), "kernel_distance": 0.012, "kernel_low": 0.008,
        "kernel_high": 0.016, "kernel_num": SCENES, "precision": 0.81, "recall": 0.55, "baseline_precision": 0.83,
        "baseline_recall": 0.82, "manifold_num": SCENES // 2, "at_work": "dropping",
        "class_pairs": [{"classes": [classes[2], classes[4]], "contribution": 8.6}],
        "sample_sizes": [
            {"num_real": SCENES // parts, "num_generated": SCENES // parts, "fsd": mean_term + 19.0 + 2.5 * parts,
             "baseline_fsd": 1.2 * parts if parts > 1 else None}
            for parts in (1, 2, 3, 4)
        ],
    }  # fmt: skip
    summary["by_category"] = {"object": dict(summary)}
    tables.write_json(stem.with_suffix(".json"), summary)


def _write_appearance(stem: Path, real: list[Scene], drawn: list[Scene], classes: list[str]) -> None:
    """Trees and benches are altered, what is missing on a side undecided, and the rest alike."""
    sides = {name: [_look(scenes, number) for number in range(len(classes))]
             for name, scenes in (("real", real), ("generated", drawn))}  # fmt: skip
    looks, numbers, nan = [], [], float("nan")
    for number, name in enumerate(classes):
        counts = [len(sides[side][number]) for side in ("real", "generated")]
        word = "undecided" if not all(counts) else "altered" if number in (4, 12) else "alike"
        distance = (nan,) * 6 if word == "undecided" else (0.3 if word == "altered" else 0.001, -0.01, 0.4, 0.01, 0, 0)
        looks.append([name, "object", *counts, min(counts), *map(float, distance), word])
        shown = [count / max(SCENES, 1) for count in counts]
        numbers.append([name, "object", *shown, 0.1, -0.2, 0.4, 0.5, 0.5, "undecided"])
    tables.write_tsv(f"{stem}.tsv", looked.COLUMNS, looks)
    tables.write_tsv(f"{stem}.numbers.tsv", instances.COLUMNS, numbers)
    tables.write_json(f"{stem}.json", {"num_real": len(real), "num_generated": len(drawn)})
    shown_sides = [
        appearances.Shown(
            np.random.default_rng(number).random((len(classes), 16, 16), dtype=np.float32),
            KeptCrops(
                np.repeat(np.arange(len(classes)), [len(crops) for crops in found]),
                np.concatenate([np.arange(len(crops)) for crops in found]),
                np.concatenate([np.arange(len(crops)) for crops in found]).astype(np.uint64),
                [crop_ for crops in found for crop_ in crops],
            ),
        )
        for number, found in enumerate(sides.values())
    ]  # fmt: skip
    found = appearances.Appearances(classes, ["object"] * len(classes), *shown_sides)
    appearances.write(f"{stem}.h5", found, PROVENANCE)


def _look(scenes: list[Scene], label: int) -> list[Crop]:
    """Pictures of a class in the first scenes that show it; none of the unlabelled."""
    masks = [(scene.image, scene.labels_object == label) for scene in scenes]
    return [crop(image, mask) for image, mask in masks if label and mask.sum() > 8][:12]


def _write_ranking(path: Path, rows: list[Omission], own: list[Omission]) -> None:
    """What was lost of each class, above that of the generator's own images, as the stage writes it."""
    ranking = class_omissions(rows, own, 0.2, 0.95, seed_of=len)
    tables.write_tsv(path, omissions.CLASS_COLUMNS, [astuple(row) for row in ranking])


def _write_inversion(
    results: Path, source: str, photos: list[Scene], drawn: list[Scene], classes: list[str], own: list[Omission]
) -> list[Omission]:
    """Write one inverted source; returns what was lost, a row for each image and class."""
    count = len(photos)
    converged = np.arange(count) < count - UNCONVERGED
    steps = np.arange(0, 300, 10)
    total = 0.2 * np.exp(-steps[None] / 60) + np.linspace(0.02, 0.08, count)[:, None]
    total[0, 20:] = np.nan
    small = np.zeros((count, 2), dtype=np.float32)
    shard = inversions.Inversions(
        x=np.stack([scene.image for scene in photos]),
        x_hat=np.stack([_softened(scene.image) for scene in drawn]),
        z0=small, z=small, r0=small, r=small,
        loss=np.stack([total, total], axis=2).astype(np.float32),
        index=np.arange(count),
        converged=converged,
        steps=steps,
        terms=("total", "pixel"),
        method="layered_r",
        layer=2,
    )  # fmt: skip
    scores = [["layered_r", "pixel_l1", "no", 0.031, 0.02, 0.04, count]]
    if source == "progan":
        scores.append(["layered_r", "correlation_z", "yes", 0.82, 0.7, 0.9, count])
        scores.append(["layered_r", "chance_correlation_z", "yes", 0.01, -0.02, 0.03, count])
    columns = ["method", "quantity", "truth", "mean", "low", "high", "num_images"]
    tables.write_tsv(results / "evaluate" / "progan_chapel" / f"{source}.tsv", columns, scores)
    path = results / "invert" / "layered_r" / "progan_chapel" / source / f"0-{count - 1}.h5"
    inversions.write(path, shard, PROVENANCE)
    before, after = (np.stack([scene.labels_object for scene in side]) for side in (photos, drawn))
    rows = rows_of(before, after, np.arange(count), converged, classes, {})
    _write_ranking(results / "omissions" / "progan_chapel" / f"{source}.classes.tsv", rows, own)
    maps = omissions.OmissionMaps(before, after, before != after, np.arange(count), converged, classes)
    omissions.write(results / "omissions" / "progan_chapel" / f"{source}.h5", maps, PROVENANCE)
    return rows
