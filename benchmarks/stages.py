"""Speed of the demo's stages on one thread, a line a figure: name, value, unit. Run as `python -m benchmarks.stages`.

Also, where results/benchmarks/ exists, the time and peak memory that Snakemake measured of every stage.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from lacuna.formats import tables
from lacuna.models.pixels import to_bytes
from lacuna.registry.generators import load_generator
from lacuna.registry.segmenters import load_segmenter
from lacuna.training.gan_loop import GanTraining
from lacuna.training.progan import ProganGame
from lacuna.world import World

DEMO = Path("workflow/demo")
BATCH = 50
GAN_SIZES = [128, 128, 128, 64, 32, 16]


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
    for precision in ("float32", "bfloat16"):
        for size in (8, 16, 32, 64):
            show(f"train_generator_{size}px_{precision}", gan_rate(size, precision), "images/s")
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


def gan_rate(size: int, precision: str) -> float:
    """Real images a second that the demo's GAN is trained on at one image size."""
    sizes = [8, 16, 32, 64]
    schedule = [{"size": other, "images": 1 if other != size else 10**9, "fade": 0} for other in sizes]
    settings = {
        "sizes": GAN_SIZES, "schedule": schedule, "batch_size": 16, "learning_rate": 0.002, "betas": [0, 0.99],
        "ema_half_life": 10000, "loss": "logistic", "critic_steps": 1, "r1": 5, "r1_interval": 16,
        "precision": precision,
    }  # fmt: skip
    training = GanTraining(ProganGame, settings, 1, torch.device("cpu"))
    training.images = 16 * sizes.index(size)
    random = torch.Generator().manual_seed(1)
    return rate(lambda: training.step(lambda _, side: torch.rand(16, 3, side, side, generator=random) * 2 - 1), 16, 4.0)


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
