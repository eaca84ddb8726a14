"""Speed of the demo's stages on one thread, one line per figure: name, value, unit.

Run as `python -m benchmarks.stages`.

Also, where results/benchmarks/ exists, the time and peak memory that Snakemake measured of every stage.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from lacuna import families
from lacuna.config.configuration import check_config
from lacuna.formats import tables
from lacuna.generators.loading import load_generator
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import command
from lacuna.segmenters.loading import load_segmenter
from lacuna.training.gan import GanTraining
from lacuna.training.schedule import Phase
from lacuna.world import World

DEMO = Path("workflow/demo")
BATCH = 50
FAMILIES = Path("experiments/families.yaml")


def main() -> None:
    torch.set_num_threads(1)
    for size in (32, 64, 256):
        world = World(size=size, seed=1)
        scenes = 100 if size < 256 else 20
        show(
            f"render_{size}px",
            rate(lambda world=world, n=scenes: [world.scene(i) for i in range(n)], scenes),
            "scenes/s",
        )
    generator = load_generator("progan", DEMO / "progan.safetensors")
    z_ND = torch.randn(BATCH, generator.z_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        show("sample_64px", rate(lambda: generator(z_ND), BATCH), "images/s")
        images_NHW3 = to_bytes(generator(z_ND))
    segmenter = load_segmenter("upernet", DEMO / "segmenter.safetensors")
    for heads in (("object",), ("object", "part", "material")):
        name = "segment_64px_" + "_".join(heads)
        show(name, rate(lambda heads=heads: segmenter.label_maps(images_NHW3, heads), BATCH), "images/s")
    for family, settings in family_settings().items():
        for stage in settings["schedule"]:
            for precision in ("float32", "bfloat16"):
                name = f"train_generator_{family}_{stage['size']}px_{precision}"
                show(name, gan_rate(family, settings | {"precision": precision}, stage["size"]), "images/s")
    for name, value, unit in measured(Path("results/benchmarks")):
        show(name, value, unit)


def rate(work: Callable[[], object], items: int, seconds: float = 2.0) -> float:
    """Items a second of `work`, which handles `items` a call; after one call that does not count."""
    work()
    calls, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        work()
        calls += 1
    return items * calls / (time.perf_counter() - begun)


def family_settings() -> dict[str, dict[str, Any]]:
    """Family -> settings that it is trained with in the comparison of families."""
    overlay = yaml.safe_load(FAMILIES.read_text(encoding="utf-8"))
    generators = {"progan": {"family": "progan", "trained_on": "chapel_train"}} | overlay["generators"]
    sources = {"chapel_train": overlay["sources"]["chapel_train"]}
    config = {"seed": 1, "report": "families", "sources": sources, "segmenters": {}, "generators": generators}
    return {found.family: found.networks("")[""] for found in check_config(config).generators.values()}


def gan_rate(family: str, settings: Mapping[str, Any], size: int) -> float:
    """Real images per second that a family is trained on when it has come to an image size."""
    task = families.task("generators", family)
    training = GanTraining(task, command.checked(task.Settings, settings), 1, torch.device("cpu"))
    step = next(step for step in itertools.count() if training.phase(step) == Phase(size, 1.0, size))
    real = torch.rand(training.images_per_step, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return rate(lambda: training.step(step, real), training.images_per_step, 4.0)


def measured(folder: Path) -> list[tuple[str, float, str]]:
    """Wall time and peak memory a stage, from the files that Snakemake's benchmark directive wrote."""
    seconds: dict[str, float] = defaultdict(float)
    memory: dict[str, float] = defaultdict(float)
    for path in sorted(folder.rglob("*.tsv")):
        stage = path.relative_to(folder).parts[0]
        row = tables.read_tsv(path)[0]
        seconds[stage] += float(row["s"])
        peak = float(row["max_rss"]) if row["max_rss"] not in ("-", "NA") else np.nan
        memory[stage] = float(np.nanmax([memory[stage], peak]))
    lines = [(f"demo_{stage}_wall", seconds[stage], "s") for stage in seconds]
    return lines + [(f"demo_{stage}_peak_memory", memory[stage], "MB") for stage in memory]


def show(name: str, value: float, unit: str) -> None:
    print(f"{name} {value:.4g} {unit}", flush=True)


if __name__ == "__main__":
    main()
