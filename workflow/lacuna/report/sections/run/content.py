"""The section about the run: time and memory a stage, versions, digests, and how to make the page again."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

import h5py
import yaml

from lacuna.config import published, targets
from lacuna.config.configuration import Configuration
from lacuna.report import words
from lacuna.report.page import Page, Section, Table
from lacuna.report.sections.run.costs import StageCost, costs
from lacuna.runtime.provenance import digest_file

PACKAGES = (
    "torch", "numpy", "scipy", "h5py", "pillow", "matplotlib", "jinja2", "safetensors", "snakemake", "transformers",
    "onnxruntime",
)  # fmt: skip
LARGEST_DIGESTED = 256 << 20  # bytes; a larger file is listed by its size alone


@dataclass(frozen=True)
class InputFile:
    """A file that the page was made from."""

    path: str
    size: str
    code: str
    digest: str


@dataclass(frozen=True)
class Run(Section):
    """How these results came about."""

    costs: list[StageCost]
    versions: list[tuple[str, str]]
    licences: list[tuple[str, str]]
    files: list[InputFile]
    config: str
    command: str
    code: str
    citation: str

    @classmethod
    def of(cls, page: Page) -> Self:
        """Gather what there is to say."""
        inputs = page.inputs
        return cls(
            costs=costs(inputs.benchmarks()),
            versions=versions(),
            licences=licences(inputs.config),
            files=[input_file(path) for path in inputs.files() if path.exists()],
            config=config_text(inputs.config),
            command=f"snakemake report --configfile {inputs.config.report}.yaml",
            code=page.code,
            citation=citation(page.code),
        )

    def tables(self) -> Iterable[Table]:
        """Time and memory of each stage."""
        columns = ("stage", "jobs", "seconds", "longest_seconds", "cpu_seconds", "memory_mb", "gpu_mb", "images")
        yield Table("costs", "Time and memory of each stage.", columns, [astuple(cost) for cost in self.costs])


def citation(code: str) -> str:
    """BibTeX of the method and of this code."""
    return f"""\
@inproceedings{{bau2019seeing,
  author    = {{Bau, David and Zhu, Jun-Yan and Wulff, Jonas and Peebles, William and Strobelt, Hendrik
               and Zhou, Bolei and Torralba, Antonio}},
  title     = {{Seeing What a {{GAN}} Cannot Generate}},
  booktitle = {{IEEE/CVF International Conference on Computer Vision}},
  year      = {{2019}},
}}
@software{{lacuna,
  title = {{Lacuna: what an image generator cannot generate}},
  note  = {{report code {code}}},
}}"""


def versions() -> list[tuple[str, str]]:
    """Interpreter, machine and packages, without the packages that are not installed."""
    found = [
        ("Python", platform.python_version()),
        ("machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"),
    ]
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def licences(config: Configuration) -> list[tuple[str, str]]:
    """Segmenters in use whose licence is known."""
    used = {name: published.licence(config.segmenters[name].checkpoint) for name in targets.used_segmenters(config)}
    return [(name, text) for name, text in used.items() if text]


def input_file(path: Path) -> InputFile:
    """Size, digest and, where the file says so, the code that made it."""
    size = path.stat().st_size
    code, digest = "", words.UNKNOWN
    if size <= LARGEST_DIGESTED:
        digest = digest_file(path)
    if path.suffix == ".h5":
        with h5py.File(path, "r") as file:
            code = str(file.attrs.get("code", ""))
    return InputFile(path.as_posix(), byte_text(size), code, digest)


def config_text(config: Configuration) -> str:
    """The configuration as YAML in block style; it can be fed back to the workflow."""
    return yaml.safe_dump(config.given(), sort_keys=False, default_flow_style=False, allow_unicode=True)


def byte_text(size: float) -> str:
    """A file size for people."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
