"""The floors of the house: who may import whom. The front, for programs and notebooks, is above all of them."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "workflow" / "lacuna"
# Room -> the rooms that it may not import; nobody imports stages or planning. Planning is what the Snakefile needs,
# runtime what jobs need.
CLOSED = {
    "areas": {"report", "config", "formats", "runtime", "metrics", "data"},
    "metrics": {"report", "formats", "runtime", "data"},
    "config": {"report", "areas", "metrics", "inversion"},
    "formats": {"report", "metrics"},
    "runtime": {"report", "areas", "metrics", "data"},
    "planning": {"runtime", "areas", "metrics"},
    "world": {"report", "areas", "metrics"},
}
TOP = {"stages", "front"}
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in {"__pycache__", *TOP})


def imported(room: str) -> set[tuple[str, str]]:
    """Each module of a room, with each room that it imports."""
    found = set()
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {(path.name, name.split(".")[1]) for name in names if name.startswith("lacuna.")}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_room_above_it(room: str) -> None:
    closed = (CLOSED.get(room, set()) | TOP | {"planning"}) - {room}
    assert {(module, other) for module, other in imported(room) if other in closed} == set()
