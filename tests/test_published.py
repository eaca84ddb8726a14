"""The table of published files: what it says is well-formed, agrees with the known facts, and names become paths."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lacuna.config import published
from lacuna.config.configuration import check_config

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT.parent / "shared" / "data" / "reference" / "checkpoints.json"


@pytest.fixture
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
    return found


def strings(value: Any) -> list[str]:
    """Every string in nested lists and dictionaries."""
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_every_entry_has_one_place_and_mirrors() -> None:
    entries = published.entries()
    assert len({entry["file"] for entry in entries.values()}) == len(entries)
    names = [name for group in published.collections().values() for name in group.get("files", ())]
    assert len(names) == len(set(names)) == len(entries)
    for name, entry in entries.items():
        assert re.fullmatch("[a-z0-9][a-z0-9_]*", name)
        assert entry["urls"] and all(re.match("https?://[^ ]+[^/]$", url) for url in entry["urls"])
        assert re.fullmatch("[0-9a-f]{8}|[0-9a-f]{64}", entry.get("sha256", "0" * 8))


def test_the_table_has_what_is_known_of_the_published_files() -> None:
    if not FACTS.exists():
        pytest.skip(f"no {FACTS}: the facts that the table was made from")
    facts = json.loads(FACTS.read_text())
    files = {entry["file"].split("/")[-1]: entry for entry in published.entries().values()}
    for group in ("proggan_256", "proggan_ablations_128", "encoder_inversions", "stylegan2_rewriting"):
        bases = facts[group]["base"] if isinstance(facts[group]["base"], list) else [facts[group]["base"]]
        for file in facts[group]["files"].values():
            assert files[file]["urls"] == [base + file for base in bases]
            assert files[file]["sha256"] == file.rsplit("-", 1)[1].split(".")[0]
    segmenter = facts["segmenter_upp"]
    for file in segmenter["files"]:
        assert files[file]["urls"] == [base + file for base in segmenter["bases"]]
    assert files["labels.json"]["sha256"] == segmenter["hashes"]["labels.json"]["sha256"]
    assert files["minilsun.zip"]["md5"] == facts["datasets"]["minilsun.zip"]["md5"]
    inception = files["inception-2015-12-05.pt"]
    assert inception["sha256"] == facts["nvidia_metric_nets"]["inception_sha256_recorded_by_k-diffusion"]
    assert inception["urls"] == [facts["nvidia_metric_nets"]["inception"]]
    for category in facts["lsun_counts_train"]:
        assert files[f"{category}_train_lmdb.zip"]["unpack"]


def test_a_name_becomes_a_path_and_a_download(config: dict[str, Any]) -> None:
    config["generators"]["church"] = {"family": "progan", "checkpoint": "fetch:progan_church"}
    config |= {
        "segmenters": config["segmenters"] | {"upp": {"family": "upp", "checkpoint": "fetch:upp"}},
        "inversions": [],
    }
    filled = check_config(config)
    assert filled.generators["church"].checkpoint == "resources/proggan_churchoutdoor-7e701dd5.pth"
    assert filled.segmenters["upp"].checkpoint == "resources/upp-resnet50-upernet"
    assert set(filled.downloads) == {"progan_church", "upp_encoder", "upp_decoder", "upp_labels"}
    assert check_config(filled.given()) == filled
    assert config["generators"]["church"]["checkpoint"] == "fetch:progan_church", "the given configuration was changed"


def test_a_download_of_ones_own_has_a_name_too(config: dict[str, Any]) -> None:
    config["downloads"] = {"mine": {"file": "mine.pth", "urls": ["https://example.org/mine.pth"], "sha256": "0a1b2c3d"}}
    config["generators"]["mine"] = {"family": "progan", "checkpoint": "fetch:mine"}
    assert check_config(config).generators["mine"].checkpoint == "resources/mine.pth"


def test_an_unknown_name_is_one_line(config: dict[str, Any]) -> None:
    config["generators"]["church"] = {"family": "progan", "checkpoint": "fetch:progan_chruch"}
    with pytest.raises(
        ValueError, match=r"generators\.church\.checkpoint: found 'fetch:progan_chruch', .*progan_church"
    ):
        check_config(config)


def test_an_unpacked_zip_file_is_a_folder() -> None:
    lsun = published.entries()["lsun_church"]
    assert published.result(lsun) == "resources/church_outdoor_train_lmdb/data.mdb"
