"""What reruns a stage: code that it imports, at any depth, and parameters, but neither layout nor order."""

from pathlib import Path

import pytest

from lacuna.kit import provenance
from lacuna.kit.provenance import Provenance, canonical_json, source_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "lacuna"
    (root / "room").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "room" / "__init__.py").write_text("")
    (root / "room" / "deep.py").write_text("VALUE = 1\n")
    (root / "room" / "shared.py").write_text("from . import deep\n")
    (root / "stage.py").write_text("import json\nfrom lacuna.room.shared import deep\n")
    (root / "other.py").write_text("X = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE_ROOT", tmp_path)
    return root


def digests() -> tuple[str, str]:
    source_digest.cache_clear()
    provenance.source.cache_clear()
    return source_digest("lacuna.stage"), source_digest("lacuna.other")


def test_an_edit_at_any_depth_changes_exactly_the_stages_that_import_it(package: Path) -> None:
    stage, other = digests()
    (package / "room" / "deep.py").write_text("VALUE = 2\n")
    changed, same = digests()
    assert changed != stage and same == other


def test_the_package_of_an_imported_module_counts(package: Path) -> None:
    stage, other = digests()
    (package / "room" / "__init__.py").write_text("VALUE = 1\n")
    changed, same = digests()
    assert changed != stage and same == other


def test_comments_and_layout_change_nothing(package: Path) -> None:
    before = digests()
    (package / "room" / "deep.py").write_text("# why\n\nVALUE   =   1\n")
    assert digests() == before


def test_order_in_the_config_changes_nothing() -> None:
    assert canonical_json({"b": [1, 2], "a": {"d": 1, "c": 2}}) == canonical_json({"a": {"c": 2, "d": 1}, "b": [1, 2]})


def test_provenance_names_every_input_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("one")
    first = Provenance("segment", "abc", {"b": 1, "a": 2}, 1, [tmp_path / "x"]).attributes()
    (tmp_path / "x").write_text("two")
    second = Provenance("segment", "abc", {"b": 1, "a": 2}, 1, [tmp_path / "x"]).attributes()
    assert first["config"] == '{"a":2,"b":1}' and first["seed"] == 1
    assert first["inputs"] != second["inputs"]
