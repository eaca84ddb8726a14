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
from lacuna.report.sections.run.content import licences
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


def test_a_pipeline_comes_with_the_folders_of_its_components() -> None:
    names = [
        "model_index.json", "README.md", "v1-5-pruned.safetensors", "feature_extractor/preprocessor_config.json",
        "safety_checker/model.safetensors", "safety_checker/model.fp16.safetensors", "tokenizer/merges.txt",
        "unet/config.json", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors", "unet/old/model.bin", "mine.py", "unet/mine.py",
        "vae/diffusion_flax_model.msgpack", "vae/diffusion_pytorch_model.bin",
    ]  # fmt: skip
    assert fetch_snapshot.chosen(names) == [
        "model_index.json", "feature_extractor/preprocessor_config.json", "tokenizer/merges.txt", "unet/config.json",
        "safety_checker/model.safetensors", "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "vae/diffusion_pytorch_model.bin",
    ]  # fmt: skip
    flat = ["config.json", "diffusion_pytorch_model.bin", "model_index.json", "scheduler_config.json", "images/a.png"]
    assert set(fetch_snapshot.chosen(flat)) == {*flat} - {"images/a.png"}
    # Without an index what lies in folders is of something else.
    assert fetch_snapshot.chosen(["config.json", "model.safetensors", "onnx/config.json"]) == [
        "config.json", "model.safetensors"
    ]  # fmt: skip


@pytest.mark.parametrize("family", ["diffusers", "autoencoder"])
def test_a_generator_of_the_hub_is_the_receipt_of_its_folder(family: str) -> None:
    generators = {"texts": {"family": family, "checkpoint": "hub:me/net@v1"}}
    drawn = {"kind": "generator", "generator": "texts", "count": 20}
    drawn |= {"latents_of": "a"} if family == "autoencoder" else {}
    config = check_config(
        {"seed": 1, "report": "r", "sources": TWO | {"drawn": drawn}, "generators": generators,
         "segmenters": {"published": {"family": "upp", "checkpoint": "fetch:upp"}},
         "comparisons": [{"real": "a", "generated": "drawn"}]}
    )  # fmt: skip
    assert config.generators["texts"].checkpoint == FOLDER
    assert files("generators", family, FOLDER) == [f"{FOLDER}/fetched.json"]
    assert f"{FOLDER}/fetched.json" in stage_files(config)["fetch"]


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


def test_the_licence_of_a_preset_goes_to_the_page() -> None:
    assert licences(configured("segformer_ade20k")) == [
        ("segformer_ade20k", "NVIDIA source code licence; not for commercial use")
    ]
    assert licences(configured("eomt_ade20k")) == [("eomt_ade20k", "MIT (code), Apache-2.0 (DINOv2, its backbone)")]
    assert licences(configured("published")) == []
