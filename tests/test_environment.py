"""The environment is said three times (pip's lock, conda, pyproject) and must be the same each time."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "python-lmdb": "lmdb"}
NOT_IN_CONDA = {"snakemake"}  # runs the workflow, not its jobs


def locked() -> dict[str, str]:
    lines = (ROOT / "envs/requirements.lock").read_text().splitlines()
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}


def declared() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = [re.fullmatch(r"([a-z0-9-]+)>=([\d.]+)", entry) for entry in project["dependencies"]]
    assert all(words), project["dependencies"]
    return {word[1]: word[2] for word in words if word}


def conda() -> dict[str, str]:
    entries = yaml.safe_load((ROOT / "envs/lacuna.yaml").read_text())["dependencies"]
    pairs = (entry.split("=") for entry in entries)
    return {CONDA_NAMES.get(name, name): version for name, version in pairs if name != "python"}


def release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_conda_and_pip_install_the_same_versions() -> None:
    assert conda() == {name: locked()[name] for name in conda()}


def test_everything_declared_is_locked_at_a_version_that_fits() -> None:
    for name, least in declared().items():
        assert release(locked()[name]) >= release(least), name


def test_conda_holds_what_the_jobs_import() -> None:
    assert set(declared()) - NOT_IN_CONDA == set(conda())


def test_the_lock_pins_everything_and_names_no_build_of_one_machine() -> None:
    lines = (ROOT / "envs/requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line) for line in lines)
