"""Every command of every stage, as Snakemake plans them for a toy configuration, to be run in this process.

The configuration reaches each family that can be trained, each method of inversion, both optimizers of z and each kind
of source, so that a new stage is run without a word here as soon as a target needs it.
"""

import functools
import importlib
import json
import os
import re
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import toy
from PIL import Image
from tqdm import tqdm

from lacuna.inversion.perceptual import Vgg16
from lacuna.runtime import command, compute

STAGES = toy.ROOT / "workflow/lacuna/stages"
KINDS = {"chapel": 1, "house": 1, "barn": 1, "castle": 1}
NET = {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [8, 8, 8], "widths": [8, 8, 8, 8], "stem_stride": 2}
GAN = {"images": 60, "batch_size": 10, "log_interval": 30, "sheet_interval": 60}
SIZES = {"sizes": [8, 8, 8, 8]}  # 16 pixels
GROWN = {"schedule": [{"size": 8, "images": 20, "fade": 0}, {"size": 16, "images": 40, "fade": 20}]}
AT_ONCE = {"schedule": [{"size": 16, "images": 60, "fade": 0}]}
SPLIT = {"classes": 4, "discriminator_widths": [4, 4, 4, 4, 4, 4], "images": 40, "batch_size": 8, "sheet_interval": 40}
AUTOENCODER = {
    "architecture": {"widths": [8, 8, 8], "groups": 4}, "images": 40, "batch_size": 8, "log_interval": 24,
    "perceptual": "vgg16", "adversary": {"weight": 0.1, "start": 8, "width": 4},
}  # fmt: skip
LAYERS = """
from torch import nn


def generator():
    first = nn.Sequential(nn.Linear(6, 64), nn.Unflatten(1, (4, 4, 4)), nn.LeakyReLU(0.2))
    second = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.2))
    third = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    return 6, {"first": first, "second": second, "third": third, "output": nn.Sequential(nn.Conv2d(4, 3, 1), nn.Tanh())}
"""


def generated(name: str) -> dict[str, Any]:
    return {"kind": "generator", "generator": name, "count": 24}


def compared(real: str, name: str) -> dict[str, Any]:
    return {"real": real, "generated": name, "segmenter": "net"}


def trained(train: dict[str, Any]) -> dict[str, Any]:
    return {"trained_on": "scenes", "validated_on": "held", "train": train}


CONFIG: dict[str, Any] = {
    "seed": 1,
    "report": "toy",
    "shard_size": {"images": 24, "inversions": 3},
    "sources": {
        "scenes": {"kind": "world", "count": 24, "size": 32, "scenes": KINDS},
        "held": {"kind": "world", "count": 24, "size": 32, "seed": 2, "scenes": KINDS},
        "photos": {"kind": "folder", "path": "photos"},
        **{name: generated(name) for name in ("gan", "style", "mean", "mine", "kinds")},
        "redrawn": generated("auto") | {"latents_of": "scenes"},
    },
    "segmenters": {
        "net": trained({"architecture": {"encoder": NET, "fpn_dim": 8, "ppm_dim": 8}, "images": 30, "batch_size": 10,
                        "log_interval": 30}) | {"family": "upernet"},
        "twin": trained({"architecture": {"encoder": NET, "fpn_dim": 4, "ppm_dim": 4}, "images": 20, "batch_size": 10,
                         "log_interval": 20}) | {"family": "upernet"},
    },
    "classifiers": {
        "kinds": trained({"images": 24, "batch_size": 8, "log_interval": 16}) | {"family": "resnet"}
    },
    "perceptual": {"vgg16": {"family": "vgg16", "checkpoint": "vgg16.pth"}},
    "generators": {
        "gan": {"family": "progan", "trained_on": "scenes", "train": GAN | SIZES | GROWN | {"loss": "wasserstein"}},
        "style": {"family": "stylegan", "trained_on": "scenes", "noise": "per_image", "truncation": 0.7,
                  "train": GAN | SIZES | GROWN | {"mapping_layers": 2}},
        "mean": {"family": "wgan", "trained_on": "scenes",
                 "train": GAN | SIZES | AT_ONCE | {"loss": "wasserstein", "critic_steps": 2}},
        "mine": {"family": "python", "file": "mine.py", "checkpoint": "mine.pth"},
        "auto": {"family": "autoencoder", **trained(AUTOENCODER)},
        "kinds": {"family": "acgan", "trained_on": "scenes", "splits": [[0, 2], [3, 1]], "train": GAN | SIZES | SPLIT},
    },
    "sample": {"batch_size": 6},
    "segment": {"heads": ["object", "part", "material"], "size": 32, "batch_size": 6},
    "comparisons": [
        compared("photos", "gan"), *(compared("scenes", name) for name in ("gan", "style", "mean", "mine")),
        {"real": "scenes", "generated": "gan", "segmenters": ["net", "twin"]},
    ],
    "truth": ["scenes"],
    "follow": {"count": 12},
    "conditional": [{"real": "held", "generated": "kinds", "classifier": "kinds", "segmenter": "net"}],
    "overfit": {"samples": 8},
    "calibrate": {"source": "scenes", "segmenters": ["net"], "objects": ["sun", "person"], "counts": [12]},
    "inversions": [
        {"generator": "gan", "source": "gan", "count": 3, "perceptual": "vgg16",
         "methods": ["z", "direct", "direct_z", "layered", "layered_z", "layered_r"]},
        {"generator": "style", "source": "style", "count": 2, "methods": ["layered_r"]},
        {"generator": "mine", "source": "mine", "count": 2, "methods": ["layered_z", "layered_r"]},
        {"generator": "auto", "source": "redrawn", "count": 2, "methods": ["direct", "direct_z"]},
    ],
    "train_encoder": {
        "layer": 2, "steps": {"layer": 4, "tail": 4, "encoder": 4, "direct": 4}, "validation": 4, "fit_samples": 32,
        "width": 8, "tail_width": 4, "log_every": 2, "batch_size": 4,
    },
    "invert": {"residual_layers": [1, 2], "steps": 6, "log_every": 2, "batch_size": 2},
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One command: its stage, what that is told, and the files that it reads and writes."""

    stage: str
    told: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.stage} {self.outputs[0].removeprefix('results/')}{self.label}"

    @property
    def has_device(self) -> bool:
        return self.stage in stages_with_device()

    @property
    def resumes(self) -> bool:
        return "state" in self.told

    @property
    def kind(self) -> tuple[str, ...]:
        """Commands of one kind run the same code: on shards or on files of images, for one family, method and part."""
        keys = ("family", "method", "part", "perceptual_family")
        images = self.told.get("images", "")
        first = images if isinstance(images, str) else next(iter(images), "")
        return (self.stage, Path(first).suffix, *(str(self.told.get(key, "")) for key in keys))

    def setting(self, name: str) -> Any:
        """One of its settings, or None."""
        return self.told.get("settings", {}).get(name)

    def changed(self, **settings: Any) -> "Job":
        """The same with other settings."""
        told = {**self.told, "settings": {**self.told["settings"], **settings}}
        return replace(self, told=told, label=f"{self.label} ({', '.join(map(str, settings.values()))})")


def prepared(folder: Path) -> Path:
    """A copy of the workflow with the toy configuration and its inputs."""
    copy = toy.copy_workflow(folder)
    toy.write_config(copy, CONFIG)
    random = np.random.default_rng(0)
    (copy / "photos").mkdir()
    for number in range(12):
        pixels = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((60, 50)).save(copy / f"photos/{number:02}.{'jpg' if number % 2 else 'png'}")
    (copy / "mine.py").write_text(LAYERS)
    scope: dict[str, Any] = {}
    exec(LAYERS, scope)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = torch.nn.ModuleDict(scope["generator"]()[1])
        vgg16 = {key.replace("layers.", "features."): value for key, value in Vgg16().state_dict().items()}
    torch.save(layers.state_dict(), copy / "mine.pth")
    torch.save(vgg16, copy / "vgg16.pth")
    return copy


def planned(copy: Path) -> list[Job]:
    """The commands of all stages in order, by Snakemake's own plan."""
    text = toy.snakemake(copy, "--dry-run", "--printshellcmds", "--quiet", "progress", "--", "all", "calibrate")
    jobs = []
    for block in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
        shell = re.search(r"^Shell command: *python -m lacuna\.stages\.(.*)$", block, re.MULTILINE)
        if shell:
            stage, _, job, *rest = shlex.split(re.split(r" (?:2>|>|\| tee) ", shell[1])[0])
            planned_job = (copy / job[1:]).read_text(encoding="utf-8") if job.startswith("@") else job
            beside = {flag[2:].replace("-", "_"): word for flag, word in zip(rest[::2], rest[1::2], strict=True)}
            inputs, outputs = (re.search(rf"^    {name}: (.*)$", block, re.MULTILINE) for name in ("input", "output"))
            files = [tuple(found[1].split(", ")) if found else () for found in (inputs, outputs)]
            jobs.append(Job(stage, json.loads(planned_job) | beside, *files))
    return needed(jobs)


def needed(jobs: list[Job]) -> list[Job]:
    """Those that compute on a device, and those that make what they read."""
    kept: list[Job] = []
    wanted: set[str] = set()
    for job in reversed(jobs):
        if job.has_device or wanted & set(job.outputs):
            kept.insert(0, job)
            wanted |= set(job.inputs)
    return kept


def stages_with_device() -> set[str]:
    """Stages that compute with torch."""
    names = {path.stem for path in STAGES.glob("*.py")} - {"__init__"}
    return {name for name in names if issubclass(stage_module(name).Job, command.ComputingJob)}


@functools.cache
def stage_module(name: str) -> Any:
    return importlib.import_module(f"lacuna.stages.{name}")


def run(job: Job, copy: Path) -> None:
    """Run a command in this process, in the folder of the workflow's copy."""
    before = Path.cwd()
    os.chdir(copy)
    try:
        for output in job.outputs:
            Path(output).parent.mkdir(parents=True, exist_ok=True)
        compute.device.cache_clear()
        stage_module(job.stage).main(["--job", json.dumps(job.told)])
    finally:
        compute.device.cache_clear()
        os.chdir(before)


def remove(job: Job, copy: Path) -> None:
    """Undo a command: its results, and the state that a training keeps so that it can go on from there."""
    for path in (copy / name for name in (*job.outputs, *filter(None, [job.told.get("state")]))):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def terminated_at(step: int) -> Iterator[None]:
    """SIGTERM reaches this process in the given step of a stage, as its progress bar counts them."""

    class Bar(tqdm):
        done = 0

        def _step(self) -> None:
            self.done += 1
            if self.done == step:
                os.kill(os.getpid(), signal.SIGTERM)

        def __iter__(self) -> Iterator[Any]:
            for item in super().__iter__():
                self._step()
                yield item

        def update(self, n: float | None = 1) -> bool | None:
            if n:
                self._step()
            return super().update(n)

    def progress(items: Any, **words: Any) -> tqdm:
        words.pop("unit", None)
        return Bar(items, disable=None, **words)

    plain: Callable[..., Any] = command.progress
    command.progress = progress  # type: ignore[assignment]
    try:
        yield
    finally:
        command.progress = plain  # type: ignore[assignment]
