"""What reruns a stage: code that it imports, at any depth, but neither comments nor layout."""

import json
from pathlib import Path

import pytest

from lacuna.planning import source_code
from lacuna.planning.source_code import remember, source_digest


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
    monkeypatch.setattr(source_code, "PACKAGE_ROOT", tmp_path)
    monkeypatch.setattr(source_code, "_remembered", {})
    return root


def digests() -> tuple[str, str]:
    for cached in (source_digest, source_code.source, source_code.module_path):
        cached.cache_clear()
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


def test_docstrings_change_nothing_but_what_a_program_computes_does(package: Path) -> None:
    path = package / "room" / "deep.py"
    path.write_text('"""One."""\n\n\ndef f():\n    """Two."""\n    return 1\n')
    before = digests()
    path.write_text('"""Uno."""\n\n\ndef f():\n    """Due."""\n    return 1\n')
    assert digests() == before
    path.write_text('"""Uno."""\n\n\ndef f():\n    """Due."""\n    return 2\n')
    assert digests()[0] != before[0]


def test_of_families_the_code_of_the_chosen_one_counts() -> None:
    """A new StyleGAN layer makes no sample of a ProGAN again; a training counts where it trains."""
    modules = {name: opened("lacuna.stages.sample", generators=name) for name in ("progan", "stylegan")}
    assert (
        "lacuna.generators.progan.model" in modules["progan"]
        and "lacuna.generators.progan.model" not in (modules["stylegan"])
    )
    assert "lacuna.generators.stylegan.layers" in modules["stylegan"] - modules["progan"]
    assert {"lacuna.generators.progan.model", "lacuna.generators.stylegan.layers"} <= opened("lacuna.stages.sample")
    assert not any(name.endswith(".training") for names in modules.values() for name in names)
    assert "lacuna.generators.wgan.critic" in opened("lacuna.stages.train_generator", generators="wgan")


@pytest.mark.parametrize("stage", ["sample", "segment", "fsd", "train_segmenter"])
def test_what_only_runs_a_stage_does_not_count(stage: str) -> None:
    found = opened(f"lacuna.stages.{stage}")
    assert not any(map(source_code.is_plumbing, found))
    assert all(source_code.module_path(name) for name in source_code.PLUMBING)


def opened(module: str, **families: str) -> set[str]:
    """Modules whose code counts."""
    return set(source_code.modules(module, **families))


def test_what_is_remembered_is_not_parsed_again_and_an_edit_is_seen(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "sources.json"
    fresh = digests()
    remember(memory)
    parsed: list[str] = []
    parse = source_code.parsed
    monkeypatch.setattr(source_code, "parsed", lambda path, text: (parsed.append(path.name), parse(path, text))[1])
    monkeypatch.setattr(source_code, "_remembered", {})
    source_code.source.cache_clear()
    remember(memory)
    assert digests() == fresh and parsed == []
    (package / "room" / "deep.py").write_text("VALUE = 2\n")
    source_code.source.cache_clear()
    remember(memory)
    assert parsed == ["deep.py"]
    assert digests()[0] != fresh[0] and digests()[1] == fresh[1]
    assert len(json.loads(memory.read_text())) == 6  # of what was, nothing is kept
