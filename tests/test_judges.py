"""Segmenters by preset, path or name on the hub: entries that follow, and what fetch brings of a repository."""

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lacuna.config import published
from lacuna.config.configuration import check_config
from lacuna.config.targets import stage_files
from lacuna.errors import UserError
from lacuna.families import files
from lacuna.stages import fetch_snapshot

TWO = {"a": {"kind": "world", "count": 20, "size": 32}, "b": {"kind": "world", "count": 20, "size": 32, "seed": 2}}
FOLDER = "resources/hub/me/net/v1"


def configured(segmenter: str, **entries: Any) -> Any:
    known = {"published": {"family": "upp", "checkpoint": "fetch:upp"}} | entries
    return check_config(
        {"seed": 1, "report": "r", "sources": TWO, "segmenters": known, "segmenter": segmenter,
         "comparisons": [{"real": "a", "generated": "b"}]}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "name", "family"),
    [("/my nets/Tiny-EoMT 2/", "tiny_eomt_2", "transformers"), ("nets/a.onnx", "a_onnx", "onnx"),
     ("./b.pt2", "b_pt2", "exported"), ("nets/c.safetensors", "c_safetensors", "upernet")],
)  # fmt: skip
def test_a_path_is_an_entry_of_its_own(said: str, name: str, family: str) -> None:
    config = configured(said)
    assert config.comparisons[0].segmenter == name and set(config.segmenters) == {"published", name}
    assert config.segmenters[name].family == family
    assert str(config.segmenters[name].checkpoint).strip("./") in said


def test_a_configured_name_goes_before_all_else() -> None:
    assert configured("published").comparisons[0].segmenter == "published"
    own = {"family": "transformers", "checkpoint": "/x"}
    assert configured("eomt_ade20k", eomt_ade20k=own).segmenters["eomt_ade20k"].checkpoint == "/x"
    with pytest.raises(UserError, match="found 'nonsense', expected one of segmenters: published"):
        configured("nonsense")


def test_every_preset_says_its_licence_and_is_fetched_from_the_hub() -> None:
    presets = published.segmenters()
    assert len(presets) >= 6
    for name, preset in presets.items():
        assert preset["licence"] and preset["classes"] > 1 and isinstance(preset["commercial"], bool)
        config = configured(name)
        receipt = f"{config.segmenters[name].checkpoint}/fetched.json"
        assert receipt in stage_files(config)["fetch"]
        assert files("segmenters", "transformers", str(config.segmenters[name].checkpoint)) == [receipt]


def test_a_repository_is_a_folder_below_resources() -> None:
    assert configured("hub:me/net@v1").segmenters["net_v1"].checkpoint == FOLDER
    assert configured("hub:me/net").segmenters["net"].checkpoint == "resources/hub/me/net/main"
    with pytest.raises(UserError, match="found 'hub:net', expected hub:<owner>/<name>@<revision>"):
        configured("hub:net")


class Hub:
    """What huggingface_hub asks, without a network."""

    files: ClassVar = {
        "config.json": b"{}",
        "model.safetensors": b"weights",
        "pytorch_model.bin": b"pickle",
        "run.py": b"code",
        "onnx/model.onnx": b"other",
        "vocab.json": b"[]",
        "README.md": b"text",
    }

    def model_info(self, repository: str, revision: str, timeout: float) -> Any:
        assert (repository, revision) == ("me/net", "v1") and timeout
        siblings = [type("File", (), {"rfilename": name}) for name in self.files]
        return type("Info", (), {"sha": "c0ffee", "siblings": siblings})

    def download(self, repository: str, name: str, revision: str, local_dir: Path) -> None:
        assert revision == "c0ffee"  # the commit, so that all files are of one state
        local_dir.mkdir(parents=True, exist_ok=True)
        (local_dir / name).write_bytes(self.files[name])


def fetch(folder: Path) -> dict[str, Any]:
    words = ["--repository", "me/net", "--revision", "v1", "--folder", str(folder), "--code", "c"]
    fetch_snapshot.main(words)
    found: dict[str, Any] = json.loads((folder / published.RECEIPT).read_text())
    return found


def test_fetch_brings_configuration_and_weights_and_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", Hub().download)
    receipt = fetch(tmp_path / "net")
    assert set(receipt["sha256"]) == {"config.json", "vocab.json", "model.safetensors"}
    assert receipt["sha256"]["model.safetensors"] == hashlib.sha256(b"weights").hexdigest()
    assert receipt["commit"] == "c0ffee"
    assert {path.name for path in (tmp_path / "net").iterdir()} == {*receipt["sha256"], published.RECEIPT}


def test_pickles_are_taken_where_there_is_nothing_better() -> None:
    assert fetch_snapshot.chosen(["config.json", "pytorch_model.bin", "training_args.bin"]) == [
        "config.json", "pytorch_model.bin"
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"found README.md, expected model.safetensors; take another repository"):
        fetch_snapshot.chosen(["README.md"])


def test_without_a_network_one_line_says_where_to_put_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub")
    api = huggingface_hub.HfApi
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api(endpoint="http://127.0.0.1:9"))
    with pytest.raises(UserError, match=r"hub:me/net@v1: .*not reached; run `snakemake fetch` where .* by hand into /"):
        fetch(tmp_path / "net")
    (tmp_path / "net").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "net" / name).write_bytes(Hub.files[name])
    receipt = fetch(tmp_path / "net")
    assert set(receipt["sha256"]) == {"config.json", "model.safetensors"} and receipt["commit"] is None
