"""Shared fixtures: where the golden data lie."""

import pytest
from golden_folder import GoldenFolder, golden_path


@pytest.fixture(scope="session")
def golden() -> GoldenFolder:
    """The golden data; the test is skipped, with the reason, where there are none."""
    folder = golden_path()
    if not (folder / "meta.json").exists():
        pytest.skip(f"no golden data at {folder}; set LACUNA_GOLDEN to their folder")
    return GoldenFolder(folder)
