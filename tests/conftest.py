"""Shared fixtures: where the golden data lie, and a browser."""

import os

# Of several workers side by side each takes its own cores: before torch is imported, and for what a test starts.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])))

from collections.abc import Iterator

import chromium
import pytest
from golden_folder import GoldenFolder, golden_path


@pytest.fixture(scope="session")
def golden() -> GoldenFolder:
    """The golden data; the test is skipped, with the reason, where there are none."""
    folder = golden_path()
    if not (folder / "meta.json").exists():
        pytest.skip(f"no golden data at {folder}; set LACUNA_GOLDEN to their folder")
    return GoldenFolder(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    """Headless Chromium; the test is skipped, with the reason, where there is none."""
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium on this machine; `make system` installs it")
    with chromium.Browser(program) as found:
        yield found
