"""Who may know whom: stages know rooms, rooms never know stages, and each room knows only what it may."""

import ast
import pkgutil
from pathlib import Path
from typing import get_args

import pytest

from lacuna.config.inversion import Perceptual
from lacuna.families import KINDS, SEGMENTERS, loader, reader, task, trainable

PACKAGE = Path(__file__).resolve().parents[1] / "workflow" / "lacuna"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
PROGRAMS = {"exported", "onnx"}  # segmenters that show nothing of their inside
MAIN = "__main__.py"  # the command line
STAGES = {path.stem for path in PACKAGE.glob("stages/*.py")} - {"__init__"}


def imports(path: Path) -> set[str]:
    """Dotted names that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nobody_imports_a_stage_and_nothing_knows_snakemake(path: Path) -> None:
    names = imports(path)
    assert not {name for name in names if name.split(".")[0] == "snakemake"}
    if "front" not in path.parts:
        assert not {name for name in names if name.startswith(("lacuna.stages", "lacuna.front"))} or path.name == MAIN


def test_planning_and_runtime_do_not_know_each_other() -> None:
    """What only the Snakefile needs costs no job anything, and a change of it reruns none."""
    for room, other in (("planning", "runtime"), ("runtime", "planning"), ("stages", "planning")):
        names = {name for path in (PACKAGE / room).glob("*.py") for name in imports(path)}
        assert names and not {name for name in names if name.startswith(f"lacuna.{other}")}, room


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("appearance", {"torch", "h5py", "lacuna.formats", "lacuna.segmenters", "lacuna.generators"}),
        ("areas", {"torch", "h5py", "lacuna.formats", "lacuna.segmenters", "lacuna.generators"}),
        ("networks", {"h5py", "lacuna.formats", "lacuna.segmenters", "lacuna.generators", "pathlib"}),
        ("report/figures", {"torch", "h5py", "lacuna.formats", "lacuna.segmenters", "lacuna.generators"}),
        ("world", {"torch", "h5py", "lacuna.formats"}),
        ("formats", {"lacuna.segmenters", "lacuna.generators", "lacuna.networks", "lacuna.data"}),
    ],
)
def test_a_room_knows_only_what_it_may(room: str, strangers: set[str]) -> None:
    known = {name for path in (PACKAGE / room).rglob("*.py") for name in imports(path)}
    assert known
    found = {name for name in known for stranger in strangers if name == stranger or name.startswith(f"{stranger}.")}
    assert not found


def test_stages_without_networks_do_not_load_torch() -> None:
    """Importing torch takes seconds of every job."""
    for stage in ("render", "tabulate", "moments", "fsd", "appearance", "truth", "calibrate", "report"):
        seen: set[str] = set()
        queue = [f"lacuna.stages.{stage}"]
        assert stage in STAGES
        while queue:
            name = queue.pop()
            path = PACKAGE.parent / Path(*name.split("."))
            file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
            if name in seen or not file.exists():
                continue
            seen.add(name)
            found = imports(file)
            assert "torch" not in {part.split(".")[0] for part in found}, f"{stage} loads torch through {name}"
            queue += [part for part in found if part.startswith("lacuna.")]


@pytest.mark.parametrize("kind", ["generators", "segmenters", "classifiers"])
def test_the_settings_of_a_family_are_of_that_family(kind: str) -> None:
    for name, family in KINDS[kind].items():
        settings = pkgutil.resolve_name(f"lacuna.{family.settings}")
        assert name in get_args(settings.model_fields["family"].annotation), name
        assert family.load.startswith(family.settings.rpartition(".")[0]), "the settings lie elsewhere than the code"
    assert get_args(Perceptual.model_fields["family"].annotation) == (*sorted({*SEGMENTERS} - PROGRAMS), "vgg16")


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_the_tables_names_code_that_is_there(kind: str) -> None:
    assert all(callable(loader(kind, name)) for name in KINDS[kind])
    assert all(callable(task(kind, name)) for name in trainable(kind))
    assert all(callable(found) for name in KINDS[kind] if (found := reader(kind, name)))


def test_a_family_is_named_in_its_folder_and_in_the_table_alone() -> None:
    """So that a family is added and taken away in one place; its name in a text for readers is no code.

    The package that `doctor` looks for is called like a family.
    """
    for path in MODULES:
        literals = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        named = literals & {"acgan", "diffusers", "progan", "stylegan", "stylegan2", "wgan"}
        assert not named or path.name == "families.py" or {"generators", "front"} & {*path.parts}, (
            f"{path} knows {named}"
        )
