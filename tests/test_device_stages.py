"""Every stage computes on a GPU as on the CPU: on a pretended one, where tensors of two devices cannot be mixed.

Each command that takes `--device` runs on the CPU, then on the pretended GPU from the same inputs, and its results are
compared. What can resume is interrupted in its second step and runs again.
"""

import importlib
import inspect
import json
import logging
import operator
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import every_stage
import h5py
import numpy as np
import pytest
import torch
from every_stage import Job
from pretended_gpu import OnGpu, PretendedGpu
from safetensors.torch import load_file

from lacuna.families import trainable
from lacuna.inversion import perceptual
from lacuna.inversion.methods import METHODS
from lacuna.runtime import command

pytestmark = [pytest.mark.device, pytest.mark.timeout(900)]
# One process computes both with the same kernels, so that all was equal to the bit where this was written. torch may
# split some functions otherwise for a subclass of its tensors, and then sums end otherwise in their last bits, which
# Adam turns into whole steps where a gradient is almost zero.
FLOAT_ERROR = 1e-3
ADAM = 0.02
CLOCKS = ("seconds", "images_per_s")  # columns of a training's log


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Job], Path, Path]]:
    """The planned commands, the folder of what they make on the CPU, and a copy of it for the GPU."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("ignore")
        patched.setattr(perceptual, "VGG16_WIDTHS", ((8, 8), (8, 8), (8, 8, 8), (8, 8)))
        for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
            patched.delenv(name, raising=False)
        copy = every_stage.prepared(tmp_path_factory.mktemp("stages"))
        jobs = every_stage.planned(copy)
        for job in jobs:
            every_stage.run(job, copy)
        yield jobs, copy, Path(shutil.copytree(copy, copy.with_name("on the GPU")))
    logging.disable(logging.NOTSET)


def test_a_toy_run_reaches_every_stage_that_has_a_device(stages: tuple[list[Job], Path, Path]) -> None:
    jobs, _, _ = stages
    assert every_stage.stages_with_device() == {job.stage for job in jobs if job.has_device}
    assert {job.told["family"] for job in jobs if job.stage == "train_generator"} == set(trainable("generators"))
    assert {job.told["method"] for job in jobs if job.stage == "invert"} == set(METHODS)


def test_what_the_gpu_computes_is_what_the_cpu_computes(stages: tuple[list[Job], Path, Path]) -> None:
    jobs, cpu, gpu = stages
    failures, interrupted = [], set()
    for job in kinds(jobs):
        for variant in variants(job):
            error, stopped = outcome(variant, cpu, gpu)
            failures += [f"{variant.name}: {error}"] if error else []
            interrupted |= {job.stage} if stopped else set()
    assert not failures, "\n".join(failures)
    assert interrupted == {job.stage for job in jobs if job.resumes}


# A device forgotten by hand: module, function, what is taken away, and a stage that must fail then.
FORGOTTEN = [
    ("segmenters.parsing_segmenter", "ParsingSegmenter.label_maps", ".to(self.device)", "segment"),
    ("training.gan", "GanTraining._z", ".to(self.device)", "train_generator"),
    ("generators.progan.growing", "enlarge", ".to(x_NCHW.dtype)", "train_generator"),
    ("generators.acgan.training", "AcganTask._judged", ".to(x_N3HW.device)", "train_generator"),
    ("inversion.search", "Search._move", ", device=terms_PT.device", "invert"),
    ("inversion.search", "Search.load_state_dict", ".to(device)", "invert"),
    ("conditional.similarity", "ms_ssim", ".to(device)", "diversity"),
    ("stages.evaluate", "main", ".to(device)", "evaluate"),
]


@pytest.mark.parametrize(("module", "function", "device", "stage"), FORGOTTEN)
def test_a_forgotten_device_is_noticed(
    stages: tuple[list[Job], Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    function: str,
    device: str,
    stage: str,
) -> None:
    jobs, cpu, gpu = stages
    found = importlib.import_module(f"lacuna.{module}")
    monkeypatch.setattr(
        inspect.unwrap(operator.attrgetter(function)(found)), "__code__", without(found, function, device)
    )
    tried = [variant for job in kinds(jobs) if job.stage == stage for variant in variants(job)]
    assert any(outcome(variant, cpu, gpu)[0] for variant in tried)


def without(module: Any, function: str, text: str) -> CodeType:
    """The code of a function as if a piece of it were not written."""
    lines, first = inspect.getsourcelines(inspect.unwrap(operator.attrgetter(function)(module)))
    assert text in "".join(lines)
    source = inspect.getsource(module).splitlines(keepends=True)
    source[first - 1 : first - 1 + len(lines)] = "".join(lines).replace(text, "").splitlines(keepends=True)
    parts = [compile("".join(source), module.__file__, "exec")]
    for code in parts:
        if code.co_qualname == function:
            return code
        parts += [part for part in code.co_consts if isinstance(part, CodeType)]
    raise AssertionError(f"no function {function}")


def kinds(jobs: list[Job]) -> list[Job]:
    """One command of each kind that computes on a device."""
    return list({job.kind: job for job in reversed(jobs) if job.has_device}.values())[::-1]


def variants(job: Job) -> list[Job]:
    """The command in the precision that the CPU has computed it in, and in that of a GPU."""
    if job.setting("precision") is None:
        return [job]
    return [job.changed(precision="float32"), job.changed(precision="bfloat16")]


def outcome(job: Job, cpu: Path, gpu: Path) -> tuple[str, bool]:
    """What is wrong with a command on the GPU, empty for nothing; and whether it was interrupted and went on."""
    every_stage.remove(job, gpu)
    interrupted, before = False, OnGpu.operations
    try:
        with PretendedGpu(), torch.random.fork_rng(devices=[]):
            try:
                with every_stage.terminated_at(2 if job.resumes else 0):
                    every_stage.run(job, gpu)
            except command.Terminated:
                interrupted = True
                every_stage.run(job, gpu)
        return wrong(job, cpu, gpu, OnGpu.operations - before), interrupted
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", interrupted
    finally:
        every_stage.remove(job, gpu)
        for name in job.outputs:
            (shutil.copytree if (cpu / name).is_dir() else shutil.copy)(cpu / name, gpu / name)


def wrong(job: Job, cpu: Path, gpu: Path, operations: int) -> str:
    """Why results are not those of a GPU that computes as the CPU does; empty if they are."""
    if not operations:
        return "computes on the CPU"
    rounded = "bfloat16" in job.label
    # Where labels round otherwise, other regions are there to be kept, and another number of them.
    compared = [output for output in job.outputs if not (rounded and output.endswith(".regions.h5"))]
    worst, name = max(difference(cpu / output, gpu / output) for output in compared)
    allowed = np.inf if rounded else ADAM if job.resumes else FLOAT_ERROR
    return f"{name} differs by {worst:.2g}" if worst > allowed else ""


def numbers(path: Path) -> dict[str, np.ndarray]:
    """Every number that a result holds, by its place; a training's own clock aside."""
    if path.is_dir():
        parts = {part.relative_to(path).as_posix(): numbers(part) for part in sorted(path.rglob("*"))}
        return {f"{part}:{name}": values for part, found in parts.items() for name, values in found.items()}
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: data[()].astype(float) for name, data in file.items() if data.dtype.kind in "biuf"}
    if path.suffix == ".safetensors":
        return {name: tensor.double().numpy() for name, tensor in load_file(path).items()}
    if path.suffix == ".json":
        return flat(json.loads(path.read_text()))
    if path.suffix == ".tsv":
        header, *rows = (line.split("\t") for line in path.read_text().splitlines())
        columns = {
            name: [number(row[place]) for row in rows] for place, name in enumerate(header) if name not in CLOCKS
        }
        return {name: np.array(column) for name, column in columns.items()}
    return {}


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def flat(value: Any, name: str = "") -> dict[str, np.ndarray]:
    """Numbers of nested JSON."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: found for k, part in items for key, found in flat(part, f"{name}/{k}").items()}
    return {name: np.array(float(value))} if isinstance(value, int | float) else {}


def difference(cpu: Path, gpu: Path) -> tuple[float, str]:
    """The largest mean difference of an array, as a share of its largest number, and which array that is."""
    one, other = numbers(cpu), numbers(gpu)
    assert one.keys() == other.keys(), f"{gpu.name} holds {sorted(one.keys() ^ other.keys())} on one device alone"
    worst = (0.0, "")
    for name, a in one.items():
        b = other[name]
        assert a.shape == b.shape and (np.isfinite(a) == np.isfinite(b)).all(), (
            f"{gpu.name}, {name}: shapes or NaN differ"
        )
        finite = np.isfinite(a)
        if finite.any():
            scale = max(float(np.abs(a[finite]).max()), 1e-9)
            worst = max(worst, (float(np.abs(a - b)[finite].mean()) / scale, f"{gpu.name}:{name}"))
    return worst
