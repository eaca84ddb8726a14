"""Does everything work here? A line for each thing that a run needs: what was found, and what to do where it fails."""

import importlib.metadata
import logging
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lacuna import own
from lacuna.config import yaml_files
from lacuna.errors import UserError
from lacuna.runtime import compute
from lacuna.segmenters.loading import load_segmenter

LEAST_PYTHON = (3, 11)
LEAST_FREE_GB = 5.0
NEEDED = ("torch", "snakemake", "numpy", "scipy", "pydantic", "h5py")
# Of the extras; packages, not families, whose names stand in their table alone.
OPTIONAL = "transformers diffusers onnxruntime snakemake-executor-plugin-slurm".split()  # noqa: SIM905


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` is empty where it works."""

    what: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        mark = "look" if self.advice else "ok"
        return f"{mark:5}{self.what:12}{self.found}" + (f"; {self.advice}" if self.advice else "")


def main() -> int:
    """Print every finding; 1 where one of them needs the reader."""
    logging.disable(logging.WARNING)
    findings = []
    for finding in findings_of(Path.cwd()):
        print(finding, flush=True)
        findings.append(finding)
    wrong = sum(bool(finding.advice) for finding in findings)
    print(f"{wrong} to look at" if wrong else "everything works")
    return int(bool(wrong))


def findings_of(folder: Path) -> Iterator[Finding]:
    """All findings for work in a folder, the quick ones first."""
    yield python()
    yield packages()
    yield extras()
    yield checkout()
    yield disk(folder)
    yield locks(folder)
    yield tried("device", device_words, "install a torch for the driver, or say `device: cpu`")
    yield Finding("precision", precision_words())
    yield tried("segmenter", one_image, "the installation is damaged; install it anew")


def python() -> Finding:
    """Version of Python."""
    new_enough = sys.version_info[:2] >= LEAST_PYTHON
    return Finding(
        "python", f"{platform.python_version()}, {sys.executable}", "" if new_enough else "take 3.11 or newer"
    )


def version(package: str) -> str | None:
    """Version of an installed package; None where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def packages() -> Finding:
    """Versions of what everything needs."""
    found = {name: version(name) for name in NEEDED}
    missing = [name for name, number in found.items() if number is None]
    words = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    return Finding("packages", words, f"pip install {' '.join(missing)}" if missing else "")


def extras() -> Finding:
    """What only some need; nothing of it is missed unless it is asked for."""
    found = [f"{name} {number}" for name in OPTIONAL if (number := version(name))]
    absent = [name for name in OPTIONAL if version(name) is None]
    return Finding("extras", ", ".join(found or ["none"]) + (f"; absent: {', '.join(absent)}" if absent else ""))


def checkout() -> Finding:
    """Which of several installations this is."""
    kind = "installed in" if own.is_installed() else "checkout"
    return Finding("lacuna", f"{kind} {own.ROOT}", "" if own.SNAKEFILE.exists() else "no Snakefile there; install anew")


def disk(folder: Path) -> Finding:
    """Space for results, and whether they may be written."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if not os.access(folder, os.W_OK):
        return Finding("disk", f"{folder} cannot be written", "work in a folder of your own")
    return Finding("disk", f"{free_gb:.0f} GB free in {folder}", "free some" if free_gb < LEAST_FREE_GB else "")


def locks(folder: Path) -> Finding:
    """Locks that a killed Snakemake has left."""
    held = list((folder / ".snakemake" / "locks").glob("*"))
    advice = "if no other Snakemake works there: lacuna run --unlock" if held else ""
    return Finding("locks", f"{folder} is {'locked' if held else 'not locked'}", advice)


def tried(what: str, look: Callable[[], str], advice: str) -> Finding:
    """What a look found; where it fails, the reason and what to do."""
    try:
        return Finding(what, look())
    except (UserError, OSError, RuntimeError) as error:
        return Finding(what, " ".join(str(error).split()), advice)


def device_words() -> str:
    """The device that a job would compute on."""
    found = compute.device("auto")
    if found.type == "cpu":
        return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores; {compute.without_cuda()}"
    memory_gb = torch.cuda.get_device_properties(found).total_memory / 1e9
    return f"{torch.cuda.get_device_name(found)}, {memory_gb:.0f} GB, CUDA {torch.version.cuda}"


def precision_words() -> str:
    """Which arithmetic is fast here, beside float32."""
    if torch.cuda.is_available():
        fast = ["tf32", *(["bfloat16"] if torch.cuda.is_bf16_supported(including_emulation=False) else [])]
        return f"fast beside float32: {', '.join(fast)}"
    return "float32; bfloat16 is fast on CPUs with AMX alone"


def one_image() -> str:
    """The embedded segmenter loaded, and one image through it."""
    entry = next(iter(yaml_files.read(own.CONFIG)["segmenters"].values()))
    path = own.ROOT / entry["checkpoint"]
    start = time.perf_counter()
    segmenter = load_segmenter(entry["family"], path, compute.device("auto"))
    loaded = time.perf_counter()
    grey_NHW3 = np.full((1, segmenter.size, segmenter.size, 3), 128, np.uint8)
    labels = segmenter.label_maps(grey_NHW3)["object"]
    name = segmenter.classes["object"][int(labels.flatten().mode().values)]
    done = time.perf_counter()
    return f"loaded in {loaded - start:.1f} s; one image in {done - loaded:.2f} s, seen as {name}"
