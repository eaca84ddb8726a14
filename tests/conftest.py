"""Shared fixtures: where the golden data lie."""

import os
from pathlib import Path

import pytest
from golden_folder import GoldenFolder

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def golden() -> GoldenFolder:
    """The golden data; the test is skipped, with the reason, where there are none."""
    folder = Path(os.environ.get("LACUNA_GOLDEN", ROOT.parent / "shared" / "golden"))
    if not (folder / "meta.json").exists():
        pytest.skip(f"no golden data at {folder}; set LACUNA_GOLDEN to their folder")
    return GoldenFolder(folder)
