"""The whole pipeline at toy size, in a copy of the workflow: everything is trained from nothing in seconds.

The copy lives in a folder with a space in its name. Nothing here knows the demo's weights.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from lacuna.config.configuration import Configuration
from lacuna.config.sources import World
from lacuna.stages import render

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CONFIG: dict[str, Any] = {
    "seed": 1,
    "report": "toy",
    "device": "cpu",
    "shard_size": {"images": 20, "inversions": 2},
    "sources": {
        "scenes": {"kind": "world", "count": 40, "size": 32},
        "held": {"kind": "world", "count": 20, "size": 32, "seed": 2},
        "gan": {"kind": "generator", "generator": "gan", "count": 40},
    },
    "segmenters": {
        "net": {
            "family": "upernet",
            "trained_on": "scenes",
            "validated_on": "held",
            "train": {
                "architecture": {
                    "encoder": {
                        "block": "basic",
                        "depths": [1, 1, 1, 1],
                        "stem_widths": [8, 8, 8],
                        "widths": [8, 8, 8, 8],
                        "stem_stride": 2,
                    },
                    "fpn_dim": 8,
                    "ppm_dim": 8,
                },
                "images": 120,
                "batch_size": 10,
                "log_interval": 40,
            },
        }
    },
    "generators": {
        "gan": {
            "family": "progan",
            "trained_on": "scenes",
            "train": {
                "sizes": [8, 8, 8, 8, 8],
                "schedule": [
                    {"size": 8, "images": 60, "fade": 0},
                    {"size": 16, "images": 60, "fade": 40},
                    {"size": 32, "images": 80, "fade": 40},
                ],
                "images": 200,
                "batch_size": 10,
                "log_interval": 40,
                "sheet_interval": 100,
            },
        }
    },
    "comparisons": [{"real": "scenes", "generated": "gan", "segmenter": "net"}],
    "truth": ["scenes"],
    "follow": {"count": 20},
    "inversions": [
        {"generator": "gan", "source": "scenes", "count": 3, "methods": ["layered_r"]},
        {"generator": "gan", "source": "gan", "count": 3, "methods": ["layered", "layered_r"]},
    ],
    "train_encoder": {
        "layer": 2,
        "steps": {"layer": 6, "tail": 6, "encoder": 6},
        "validation": 4,
        "fit_samples": 64,
        "width": 8,
        "tail_width": 4,
    },
    "invert": {"residual_layers": [1, 2], "steps": 6, "log_every": 2},
}


def configuration(**sections: Any) -> Configuration:
    """A configuration of these sections, its keys checked and nothing that they refer to."""
    return Configuration.model_validate({"seed": 1, "report": "test", "sources": {}, "segmenters": {}} | sections)


def scenes(count: int, seed: int, **settings: Any) -> np.ndarray:
    """Images (count, 32, 32, 3) of the world, as a source with these settings has them."""
    source = World.model_validate({"kind": "world", "count": count, "size": 32, **settings})
    world = render.world_from(source.model_dump(include=set(render.SETTINGS)), seed)
    return np.stack([world.scene(number).image for number in range(count)])


def copy_workflow(folder: Path) -> Path:
    """A copy of the workflow, with the toy configuration, that a test may edit."""
    copy = folder / "a copy"
    copy.mkdir(parents=True)
    for name in ("workflow", "profiles"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "demo"))
    for name in ("Snakefile", "envs"):
        source = ROOT / name
        shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
    write_config(copy, CONFIG)
    return copy


def copy_repository(folder: Path) -> Path:
    """A copy of the whole repository, demo weights and experiments included, as a user has it."""
    copy = folder / "a copy"
    names = ("Snakefile", "config.yaml", "workflow", "profiles", "envs", "experiments")
    copy.mkdir(parents=True)
    for name in names:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy(source, copy / name)
    return copy


def write_config(copy: Path, config: dict[str, Any], name: str = "config.yaml") -> None:
    (copy / name).write_text(yaml.safe_dump(config, sort_keys=False))


def command(*words: str) -> list[str]:
    return [str(BIN / "snakemake"), *words]


def environment() -> dict[str, str]:
    """Nothing of the test's own Python path reaches the workflow."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"PATH": f"{BIN}:{os.environ['PATH']}"}


def snakemake(copy: Path, *words: str, check: bool = True) -> str:
    """Run Snakemake in the copy and return all that it printed."""
    done = subprocess.run(
        command(*words), cwd=copy, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=800, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def planned(copy: Path, *words: str) -> dict[str, int]:
    """Working rules that a dry run would start, and how often."""
    text = snakemake(copy, "--dry-run", *words)
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", text, re.MULTILINE | re.DOTALL)
    rows = [line.split() for line in table.group(1).splitlines()] if table else []
    return {name: int(count) for name, count in rows if "_" in name and name not in TARGETS}


TARGETS = {
    "train_segmenter",
    "train_generator",
    "train_autoencoder",
    "train_classifier",
    "train_encoder",
    "fsd_by_class",
}  # stage targets whose names hold a _


def arrays(copy: Path) -> dict[str, np.ndarray]:
    """Every array of every HDF5 result, and the bytes of every table and weights file."""
    found: dict[str, np.ndarray] = {}
    for path in sorted((copy / "results").rglob("*")):
        name = path.relative_to(copy).as_posix()
        if "/logs/" in name or "/benchmarks/" in name or "/report/" in name:
            continue
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                file.visititems(lambda key, item, name=name: found.update({f"{name}:{key}": item[()]}))
        elif path.suffix in (".safetensors", ".json"):
            found[name] = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    return found


def kill_when(copy: Path, log: Path, *words: str, delay: float, timeout: float = 300) -> bool:
    """Start Snakemake, wait for `log` to appear, wait `delay` seconds more, kill -9 everything. False: it finished."""
    process = subprocess.Popen(
        command(*words), cwd=copy, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + timeout
    while not list(copy.glob(str(log))) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(delay)
    finished = process.poll() is not None
    if not finished:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not finished
