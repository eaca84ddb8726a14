"""Pipelines of diffusers: image i follows from (seed, i) alone, nothing that comes with one runs, and what does not fit
ends in one line."""

import json
import logging
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import diffusers
import h5py
import numpy as np
import pipelines
import pytest
import torch
import toy
from pretended_gpu import OnGpu, PretendedGpu

from lacuna import families
from lacuna.areas.images_read import one_color
from lacuna.config.configuration import check_config
from lacuna.errors import UserError
from lacuna.generators.diffusers import pipeline
from lacuna.generators.diffusers import sampler as sampler_module
from lacuna.generators.loading import load_generator
from lacuna.generators.sampling import Sampler, load_sampler
from lacuna.networks.pixels import to_bytes
from lacuna.runtime import seeds
from lacuna.stages import sample

PROMPTS = ["a cat", "the sea", "a", "a bed and a lamp", "no", "ten dogs", "a cat", "car"]
# Float32 sums in another order, grown by a few steps of a network with random weights and by guidance: a tenth of one
# of 256 levels, where two images of a seed differ by more than 100.
SAME = 0.1 * 2 / 255


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("pipelines")
    return {kind: pipelines.saved(kind, home / kind) for kind in (*pipelines.KINDS, "checked")}


@pytest.fixture
def copied(folders: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Pipelines to spoil."""
    return {kind: Path(shutil.copytree(folder, tmp_path / kind)) for kind, folder in folders.items()}


def sampler(folder: Path, kind: str = "", **settings: Any) -> Sampler:
    texts = {"prompts": PROMPTS} if kind in ("text", "checked") else {}
    return load_sampler("diffusers", [folder], torch.device("cpu"), {"steps": 3} | texts | settings)


@torch.inference_mode()
def drawn(found: Sampler, first: int, last: int, batch: int, seed: int = 1) -> torch.Tensor:
    request = found(seed, first, last)
    rows = [slice(start, min(start + batch, request.count)) for start in range(0, request.count, batch)]
    return torch.cat([request.draw(part) for part in rows])


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_an_image_follows_from_seed_and_index_alone(folders: dict[str, Path], kind: str) -> None:
    found = sampler(folders[kind], kind)
    x_N3HW = drawn(found, 0, 7, 8)
    assert x_N3HW.shape == (8, 3, 16, 16) and x_N3HW.abs().max() <= 1
    for batch in (1, 3):
        torch.testing.assert_close(drawn(found, 0, 7, batch), x_N3HW, rtol=0, atol=SAME)
    torch.testing.assert_close(drawn(found, 5, 7, 2), x_N3HW[5:], rtol=0, atol=SAME)  # another shard
    assert torch.equal(drawn(found, 0, 7, 8), x_N3HW)
    apart = [(x_N3HW[i] - x_N3HW[j]).abs().max() for i in range(8) for j in range(i)]
    assert min(apart) > 100 * SAME
    assert (drawn(found, 0, 7, 8, seed=2) - x_N3HW).abs().amax((1, 2, 3)).min() > 100 * SAME


@pytest.mark.device
@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_a_gpu_is_given_the_same_noise(folders: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = drawn(sampler(folders[kind], kind), 0, 1, 2)
    loaded = pipeline.read(folders[kind])  # not below: transformers builds on the meta device, which is none there
    monkeypatch.setattr(sampler_module, "read", lambda *words: loaded)
    texts = {"prompts": PROMPTS} if kind == "text" else {}
    with PretendedGpu():
        before = OnGpu.operations
        found = load_sampler("diffusers", [folders[kind]], torch.device("cuda", 0), {"steps": 3} | texts)
        with torch.no_grad():
            x_N3HW = found(1, 0, 1).draw(slice(0, 2)).cpu()
        assert OnGpu.operations > before
    torch.testing.assert_close(x_N3HW, expected, rtol=0, atol=SAME)


def test_the_library_draws_the_same_image_from_its_seed(folders: dict[str, Path]) -> None:
    request = sampler(folders["ddpm"])(1, 4, 6)
    seed = int(request.kept["noise_seed"][1])
    assert seed == seeds.seed_for(1, "sample", 5)
    library = diffusers.DDPMPipeline.from_pretrained(folders["ddpm"])
    (image,) = library(num_inference_steps=3, generator=torch.Generator().manual_seed(seed)).images
    own_HW3 = to_bytes(request.draw(slice(0, 3)))[1]
    assert np.abs(own_HW3.astype(int) - np.asarray(image)).max() <= 1  # float error at the edge of two levels


def run(folder: Path, shard: Path, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and attributes of the shard that the stage writes."""
    told = {
        "family": "diffusers", "checkpoint": [str(folder)], "generator_settings": {"steps": 2}, "seed": 1, "first": 2,
        "last": 6, "batch_size": 2, "device": "cpu", "code": "digest",
    }  # fmt: skip
    sample.main(["--job", json.dumps(told | more), "--shard", str(shard)])
    with h5py.File(shard) as file:
        return {name: file[name][:] for name in file}, dict(file.attrs)


def test_a_shard_says_how_its_images_were_drawn(folders: dict[str, Path], tmp_path: Path) -> None:
    arrays, attributes = run(folders["consistency"], tmp_path / "2-6.h5")
    assert arrays["images"].shape == (5, 16, 16, 3) and arrays["index"].tolist() == [2, 3, 4, 5, 6]
    assert arrays["label"].tolist() == [2, 3, 0, 1, 2] and "z" not in arrays
    assert arrays["noise_seed"].tolist() == [seeds.seed_for(1, "sample", i) for i in range(2, 7)]
    config = json.loads(attributes["config"])
    assert config["settings"] == {"steps": 2} and config["diffusers"] == diffusers.__version__
    assert (config["pipeline"], config["scheduler"]) == ("ConsistencyModelPipeline", "CMStochasticIterativeScheduler")
    read = {Path(path).relative_to(folders["consistency"]).as_posix() for path in json.loads(attributes["inputs"])}
    assert read == {
        "model_index.json", "scheduler/scheduler_config.json", "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    }  # fmt: skip


def test_one_class_is_drawn_where_it_is_named(folders: dict[str, Path]) -> None:
    assert sampler(folders["dit"], label=7)(1, 0, 2).kept["label"].tolist() == [7, 7, 7]
    assert sampler(folders["dit"])(1, 999, 1001).kept["label"].tolist() == [999, 0, 1]


def test_prompts_come_from_a_file_or_a_list(folders: dict[str, Path], tmp_path: Path) -> None:
    rows = [f'{number}.jpg,"{text}, big"' for number, text in enumerate(PROMPTS)]
    (tmp_path / "captions.csv").write_text("\n".join(["file,prompt", *rows]), encoding="utf-8")
    by_file = sampler(folders["text"], "text", prompts=str(tmp_path / "captions.csv"))
    by_list = sampler(folders["text"], "text", prompts=[f"{text}, big" for text in PROMPTS])
    x_N3HW = drawn(by_file, 0, 7, 8)
    assert torch.equal(x_N3HW, drawn(by_list, 0, 7, 8))
    others = drawn(sampler(folders["text"], "text"), 0, 7, 8)
    assert (x_N3HW - others).abs().amax((1, 2, 3)).min() > SAME


def test_what_a_safety_checker_blanks_is_counted(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"steps": 2, "prompts": PROMPTS}
    with caplog.at_level(logging.WARNING):
        arrays, _ = run(folders["checked"], tmp_path / "shard.h5", generator_settings=settings)
    assert "5 of 5 images are of one color" in caplog.text
    assert one_color(arrays["images"]) == 5 and not arrays["images"].any()


def test_settings_reach_the_pipeline(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    forward = diffusers.UNet2DModel.forward
    monkeypatch.setattr(
        diffusers.UNet2DModel, "forward", lambda self, *words, **more: calls.append(1) or forward(self, *words, **more)
    )
    base = drawn(sampler(folders["ddim"], steps=5), 0, 1, 2)
    assert len(calls) == 5
    assert (drawn(sampler(folders["ddim"], steps=5, eta=1.0), 0, 1, 2) - base).abs().max() > 100 * SAME
    # DDIM's steps on DDPM's network with the same weights are DDIM's pipeline.
    torch.testing.assert_close(
        drawn(sampler(folders["ddpm"], steps=5, scheduler="DDIMScheduler"), 0, 1, 2), base, rtol=0, atol=SAME
    )
    weak, strong = (drawn(sampler(folders["text"], "text", guidance=g), 0, 1, 2) for g in (1.0, 9.0))
    assert (weak - strong).abs().max() > 100 * SAME
    assert drawn(sampler(folders["text"], "text", size=32), 0, 0, 1).shape == (1, 3, 32, 32)
    plain = drawn(sampler(folders["ddpm"]), 0, 1, 2)
    assert (drawn(sampler(folders["ddpm"], precision="bfloat16"), 0, 1, 2) - plain).abs().max() > SAME


def test_nothing_is_looked_for_elsewhere(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any) -> None:
        raise AssertionError(f"a connection to {words}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for kind in ("text", "checked"):
        sampler(folders[kind], kind)


def test_the_layout_of_the_first_published_pipelines_is_read(copied: dict[str, Path]) -> None:
    """Everything in one folder, the weights as torch saves them: google/ddpm-church-256 and its like."""
    folder, expected = copied["ddpm"], drawn(sampler(copied["ddpm"]), 0, 1, 2)
    network = diffusers.UNet2DModel.from_pretrained(folder / "unet")
    torch.save(network.state_dict(), folder / "diffusion_pytorch_model.bin")
    shutil.move(folder / "unet" / "config.json", folder)
    shutil.move(folder / "scheduler" / "scheduler_config.json", folder)
    for name in ("unet", "scheduler"):
        shutil.rmtree(folder / name)
    assert torch.equal(drawn(sampler(folder), 0, 1, 2), expected)
    names = [Path(path).name for path in families.files("generators", "diffusers", folder)]
    assert names == ["config.json", "diffusion_pytorch_model.bin", "model_index.json", "scheduler_config.json"]


class Hostile:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("hostile"),)


@pytest.mark.parametrize(
    ("kind", "safe", "pickled"),
    [
        ("ddpm", "unet/diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"),
        ("text", "text_encoder/model.safetensors", "pytorch_model.bin"),
    ],
)
def test_a_pickle_that_would_run_code_runs_none(
    copied: dict[str, Path], kind: str, safe: str, pickled: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = copied[kind] / safe
    path.unlink()
    torch.save({"weight": Hostile()}, path.with_name(pickled))
    with pytest.raises(UserError, match=rf"{path.parent.name}: \w+ .*expected the folder of a pipeline"):
        sampler(copied[kind], kind)
    assert not Path("hostile").exists()


SPOILED = {
    "code of a pipeline": (
        "ddpm", {"model_index.json": {"_class_name": ["mine", "Mine"]}},
        r'model_index\.json: asks for code of its own \(\["mine", "Mine"\]\), which is never run',
    ),
    "code of a component": (
        "ddpm", {"model_index.json": {"unet": ["mine", "MyUNet"]}}, "its unet is MyUNet of mine, expected a class of",
    ),
    "a class that is no component": (
        "ddpm", {"model_index.json": {"unet": ["diffusers", "os"]}}, "its unet is os of diffusers, expected a class of",
    ),
    "code behind a class of the library": (
        "text", {"text_encoder/config.json": {"auto_map": {"AutoModel": "m.M"}}}, "asks for code of its own",
    ),
    "an unknown pipeline": (
        "ddpm", {"model_index.json": {"_class_name": "TomorrowsPipeline"}}, "TomorrowsPipeline, which diffusers",
    ),
    "another shape": ("ddpm", {"unet/config.json": {"block_out_channels": [8, 24]}}, "unet: .*expected the folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILED)
def test_a_folder_that_is_no_plain_pipeline_is_one_line(copied: dict[str, Path], case: str) -> None:
    kind, changes, message = SPOILED[case]
    (copied[kind] / "mine.py").write_text("raise SystemExit('it ran')")
    for name, values in changes.items():
        pipelines.edited(copied[kind] / name, **values)
    with pytest.raises(UserError, match=message) as said:
        sampler(copied[kind], kind)
    assert "\n" not in str(said.value)


def test_a_missing_component_or_weight_is_one_line(copied: dict[str, Path]) -> None:
    shutil.rmtree(copied["text"] / "text_encoder")
    with pytest.raises(UserError, match=r"text: OSError .*expected the folder of a pipeline"):
        sampler(copied["text"], "text")
    shutil.rmtree(copied["dit"] / "vae")
    with pytest.raises(UserError, match=r"dit: .*expected the folder of a pipeline"):
        sampler(copied["dit"])
    (copied["ddim"] / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(UserError, match=r"unet: OSError .*expected the folder of a pipeline"):
        sampler(copied["ddim"])
    network = diffusers.UNet2DModel.from_pretrained(copied["ddpm"] / "unet")
    weights = {name: value for name, value in network.state_dict().items() if not name.startswith("mid_block")}
    (copied["ddpm"] / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save(weights, copied["ddpm"] / "unet/diffusion_pytorch_model.bin")
    with pytest.raises(UserError, match=r"\d+ weights of UNet2DModel are missing: mid_block.*get them all"):
        sampler(copied["ddpm"])
    with pytest.raises(FileNotFoundError, match=r"no model_index\.json in it"):
        sampler(copied["ddpm"] / "unet")


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("ddpm", {"scheduler": "MyScheduler"}, "scheduler: found 'MyScheduler', expected one of: .*DDIMScheduler"),
        ("consistency", {"scheduler": "DDIMScheduler"}, "expected one of: CMStochasticIterativeScheduler$"),
        ("ddpm", {"scheduler": "EulerDiscreteScheduler"}, r"begins with noise of \d+.*, DDPMPipeline with 1; expected"),
        ("ddpm", {"scheduler": "PNDMScheduler"}, "scheduler: PNDMScheduler does not take 3 steps"),
        ("ddpm", {"guidance": 2.0}, "DDPMPipeline with DDPMScheduler takes no guidance; leave it out"),
        ("ddpm", {"eta": 0.5}, "takes no eta"),
        ("text", {"eta": 0.5, "scheduler": "EulerDiscreteScheduler"}, "EulerDiscreteScheduler takes no eta"),
        ("ddpm", {"size": 32}, "takes no size"),
        ("ddpm", {"label": 0}, "takes no label"),
        ("ddpm", {"mood": 1}, "takes no mood"),
        ("dit", {"label": 1000}, "label: found 1000, expected a class from 0 to 999"),
        ("ddpm", {"prompts": ["a"]}, "DDPMPipeline takes no texts, expected no `prompts`"),
        ("text", {"prompts": None}, "StableDiffusionPipeline takes texts, expected `prompts`"),
        ("ddpm", {"precision": "float16"}, "precision: float16 asked for on cpu, which only GPUs have"),
        ("ddpm", {"precision": "tf32"}, "precision: tf32 asked for on cpu, which only GPUs have"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_one_line(
    folders: dict[str, Path], kind: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        sampler(folders[kind], kind, **settings)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("dit", {"scheduler": "DDPMScheduler"}, "DiTPipeline with DDPMScheduler draws noise that no image has"),
        ("ddpm", {"scheduler": "PNDMScheduler", "steps": 20}, "DDPMPipeline with PNDMScheduler does not draw"),
        ("text", {"size": 30}, "StableDiffusionPipeline with DDIMScheduler does not draw: .*divisible by 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_by_index_is_one_line(
    folders: dict[str, Path], kind: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        drawn(sampler(folders[kind], kind, **settings), 0, 1, 2)


def test_fewer_prompts_than_images_are_one_line(folders: dict[str, Path]) -> None:
    with pytest.raises(UserError, match="prompts: found 8, image 8 asked for; lower the source's count"):
        sampler(folders["text"], "text")(1, 4, 8)


def configured(**entry: Any) -> dict[str, Any]:
    config = check_config(toy.CONFIG).given()
    config["generators"]["pipeline"] = {"family": "diffusers", "checkpoint": "folder", **entry}
    config["sources"]["drawn"] = {"kind": "generator", "generator": "pipeline", "count": 4}
    config["comparisons"].append({"real": "scenes", "generated": "drawn", "segmenter": "net"})
    return config


def test_an_inversion_of_it_is_refused_when_the_workflow_starts() -> None:
    config = configured()
    check_config(config)
    config["inversions"].append({"generator": "pipeline", "source": "scenes", "count": 1, "methods": ["z"]})
    with pytest.raises(
        UserError, match=r"generator: found 'pipeline' of family diffusers, which can be sampled and has"
    ):
        check_config(config)
    with pytest.raises(UserError, match="family diffusers can only be sampled"):
        load_generator("diffusers", "folder")


def test_a_folder_that_would_run_code_is_refused_when_the_workflow_starts(copied: dict[str, Path]) -> None:
    pipelines.edited(copied["ddpm"] / "model_index.json", _class_name=["mine", "Mine"])
    message = r"generators\.pipeline\.checkpoint: .*model_index\.json: asks for code of its own"
    with pytest.raises(UserError, match=message):
        check_config(configured(checkpoint=str(copied["ddpm"])), exists=os.path.exists)
    with pytest.raises(UserError, match=r"generators\.pipeline\.checkpoint: .*unet: no model_index\.json in it"):
        check_config(configured(checkpoint=str(copied["ddim"] / "unet")), exists=os.path.exists)
    check_config(configured(checkpoint=str(copied["dit"])), exists=os.path.exists)


def test_without_the_library_there_is_one_line(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(UserError, match=r"family diffusers: .*; install it: pip install 'lacuna\[diffusers\]'"):
        sampler(folders["ddpm"])


def test_prompts_are_counted_when_the_workflow_starts(tmp_path: Path) -> None:
    message = r"sources\.drawn\.count: found 4, expected at most 3, the prompts of pipeline"
    with pytest.raises(UserError, match=message):
        check_config(configured(prompts=["a", "b", "c"]))
    (tmp_path / "c.csv").write_text("file,prompt\n1.jpg,a\n2.jpg,b\n3.jpg,c\n")
    with pytest.raises(UserError, match=message):
        check_config(configured(prompts=str(tmp_path / "c.csv")), exists=lambda path: True)
    with pytest.raises(UserError, match=r"generators\.pipeline\.prompts: found '.*', no such file"):
        check_config(configured(prompts="absent.csv"), exists=lambda path: path != "absent.csv")
