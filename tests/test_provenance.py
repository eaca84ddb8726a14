"""What made a file, and how parameters are compared: by content, whatever their order."""

from pathlib import Path

from lacuna.runtime.provenance import Provenance, canonical_json


def test_order_in_the_config_changes_nothing() -> None:
    assert canonical_json({"b": [1, 2], "a": {"d": 1, "c": 2}}) == canonical_json({"a": {"c": 2, "d": 1}, "b": [1, 2]})


def test_provenance_names_every_input_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("one")
    first = Provenance("segment", "abc", {"b": 1, "a": 2}, 1, [tmp_path / "x"]).attributes()
    (tmp_path / "x").write_text("two")
    second = Provenance("segment", "abc", {"b": 1, "a": 2}, 1, [tmp_path / "x"]).attributes()
    assert first["config"] == '{"a":2,"b":1}' and first["seed"] == 1
    assert first["inputs"] != second["inputs"]
