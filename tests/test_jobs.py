"""A configuration that would drown the workflow in jobs is refused, with the shard size to set."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lacuna.config import jobs
from lacuna.config.configuration import check_config

ROOT = Path(__file__).resolve().parents[1]


def configuration(count: int, **shard_size: int) -> dict[str, Any]:
    """The embedded default with `count` images on both sides."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for source in config["sources"].values():
        source["count"] = count
    return config | {"shard_size": shard_size}


@pytest.mark.parametrize(("count", "expected"), [(2000, 25), (10_000, 57), (1_000_000, 4017)])
def test_jobs_are_counted_as_a_dry_run_does(count: int, expected: int) -> None:
    assert jobs.num_jobs(check_config(configuration(count))) == expected


def test_a_million_images_pass_with_the_default_shards() -> None:
    assert jobs.num_jobs(check_config(configuration(1_000_000))) <= jobs.MOST


def test_too_many_jobs_are_refused_with_the_shard_size_to_set() -> None:
    with pytest.raises(ValueError, match=r"found 40017 jobs, expected at most 10000; set shard_size.images to 800$"):
        check_config(configuration(1_000_000, images=100))
    config = configuration(1_000_000, images=400)
    config["inversions"][0]["count"] = 100_000
    with pytest.raises(ValueError, match=r"set shard_size\.images to 800 and shard_size\.inversions to 32"):
        check_config(config)
    assert check_config(config | {"shard_size": {"images": 800, "inversions": 32}})


def test_what_is_refused_is_not_listed_first() -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match="expected at most 10000"):
        check_config(configuration(10**12, images=1))
    assert time.process_time() - begun < 5  # a list of 10^12 paths would take days
