"""The wheel: built from a clone, installed in an environment of its own, used from an empty folder.

What the package depends on is taken from the environment of the tests, by a .pth file; nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import toy

from lacuna import own

pytestmark = pytest.mark.workflow

USE = """
import numpy as np
import lacuna

rng = np.random.default_rng(1)
real, generated = (rng.integers(0, high, (8, 32, 32, 3), np.uint8) for high in (256, 128))
print(lacuna.compare(real, generated, threads=1))
print(lacuna.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = toy.copy_repository(tmp_path_factory.mktemp("clone"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(toy.ROOT / name, clone / name)
    folder = tmp_path_factory.mktemp("wheel")
    words = ["wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=clone, check=True)
    return next(folder.glob("lacuna_fsd-*.whl"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `lacuna` of an environment that has the wheel; what that depends on lies where the tests have it."""
    home = tmp_path_factory.mktemp("bare environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "elsewhere.pth").write_text(sysconfig.get_path("purelib"))
    words = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), *words], check=True)
    return home / "bin" / "lacuna"


def output(folder: Path, *words: str | Path) -> str:
    """What a command prints, in a folder and with an environment that know nothing of this checkout."""
    clean = {name: value for name, value in toy.environment().items() if not name.startswith("LACUNA")}
    clean["PATH"] = os.defpath
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=clean, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_wheel_holds_all_files_of_the_package_and_of_the_workflow(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    package = toy.ROOT / "workflow" / "lacuna"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {f"lacuna/{path.relative_to(package).as_posix()}" for path in files} <= held
    workflow = [path for name in ("rules", "captions", "schemas") for path in (toy.ROOT / "workflow" / name).iterdir()]
    workflow += [*toy.ROOT.glob("experiments/*.yaml"), *toy.ROOT.glob("workflow/demo/*.safetensors")]
    workflow += [toy.ROOT / "Snakefile", toy.ROOT / "config.yaml", toy.ROOT / "workflow" / "published.yaml"]
    assert {f"lacuna/checkout/{path.relative_to(toy.ROOT).as_posix()}" for path in workflow} <= held


def test_the_function_works_from_an_empty_folder(program: Path, tmp_path: Path) -> None:
    told = output(tmp_path, program.with_name("python"), "-c", USE)
    assert "FSD " in told and str(program.parents[1]) in told.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_workflow_runs_from_an_empty_folder(program: Path, tmp_path: Path) -> None:
    small = {"sources": {"chapel": {"count": 20, "size": 32}}}
    toy.write_config(tmp_path, small, "mine.yaml")
    output(tmp_path, program, "run", "moments", "--configfile", "mine.yaml", "--until", "segment_shard")
    assert (tmp_path / "results/segment/chapel/chapel/0-19.h5").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.yaml", "results", ".snakemake"}


def test_the_doctor_finds_everything_well_and_says_where_it_is(program: Path, tmp_path: Path) -> None:
    told = output(tmp_path, program, "doctor")
    assert f"installed in {program.parents[1]}" in told and told.endswith("everything works\n")
    assert len(told.splitlines()) < 24  # a screen
    assert output(tmp_path, program, "where").strip().endswith(f"lacuna/{own.CHECKOUT}")
