"""What every rule asks of a cluster: one GPU, memory and time that grow with the attempt, no retries of its own."""

import re
from pathlib import Path

import pytest

RULES = Path(__file__).resolve().parents[1] / "workflow" / "rules"
MOST_HOURS = 4  # of GPU, of a job's first attempt


def blocks() -> dict[str, str]:
    """Text of each working rule that is sent to a node, by its name."""
    text = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    found = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL))
    return {name: block for name, block in found.items() if "localrule: True" not in block}


@pytest.mark.parametrize("name", blocks())
def test_a_rule_asks_for_one_gpu_memory_and_time(name: str) -> None:
    block = blocks()[name]
    assert re.search(r"^ +gpu=1,$", block, re.MULTILINE)
    assert re.search(r"mem_mb=lambda wildcards, attempt: \d+ \* attempt,", block)
    minutes = re.search(r"runtime=lambda wildcards, attempt: (\d+) \* attempt,", block)
    assert minutes and int(minutes[1]) <= MOST_HOURS * 60
    assert "threads:" in block
    assert "retries:" not in block  # they would run inside the old allocation, with its old limits


def test_only_what_needs_the_internet_runs_beside_snakemake() -> None:
    text = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    local = {name for name in re.findall(r"^rule (\w+):", text, re.MULTILINE) if name not in blocks()}
    assert local == {"fetch_file", "fetch_unpacked"}
