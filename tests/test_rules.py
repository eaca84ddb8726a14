"""What every rule asks of a cluster: a GPU, memory and time that grow with the attempt, no retries of its own."""

import importlib
import re
import statistics
from pathlib import Path

import pytest
import yaml

from lacuna.runtime import command

RULES = Path(__file__).resolve().parents[1] / "workflow" / "rules"
MOST_HOURS = 4  # of GPU, of a job's first attempt


def blocks() -> dict[str, str]:
    """Text of each working rule that is sent to a node, by its name."""
    text = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    found = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL))
    return {name: block for name, block in found.items() if "localrule: True" not in block}


@pytest.mark.parametrize("name", blocks())
def test_a_rule_asks_for_memory_and_time_and_for_a_gpu_where_it_computes_on_one(name: str) -> None:
    block = blocks()[name]
    stage = re.search(r"python -m lacuna\.stages\.(\w+) --job", block)
    assert stage
    computes = issubclass(importlib.import_module(f"lacuna.stages.{stage[1]}").Job, command.ComputingJob)
    assert bool(re.search(r"^ +gpu=1,$", block, re.MULTILINE)) == ("--threads {threads}" in block) == computes
    assert re.search(r"mem_mb=growing\(\d+\),", block)
    minutes = re.search(r"runtime=growing\((\d+)\),", block)
    assert minutes and int(minutes[1]) <= MOST_HOURS * 60
    assert "retries:" not in block  # they would run inside the old allocation, with its old limits


def test_every_other_rule_runs_on_a_gpu_node_by_the_profile() -> None:
    profile = yaml.safe_load((RULES.parents[1] / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    assert "gpu=1" in profile["default-resources"]


def test_rules_are_short() -> None:
    lines = sorted(len(block.strip().splitlines()) + 1 for block in blocks().values())
    assert statistics.median(lines) <= 25 and lines[-1] <= 40


def test_only_what_needs_the_internet_runs_beside_snakemake() -> None:
    text = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    local = {name for name in re.findall(r"^rule (\w+):", text, re.MULTILINE) if name not in blocks()}
    assert local == {"fetch_file", "fetch_snapshot", "fetch_unpacked"}
