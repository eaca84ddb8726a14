"""Tiny pipelines of each kind, with random weights, saved by the library itself."""

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

BLOCKS = {
    "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4, "attention_head_dim": 4,
}  # fmt: skip
CLIP = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
LETTERS = [letter + end for end in ("", "</w>") for letter in "abcdefghijklmnopqrst"]
WORDS = ["<|startoftext|>", "<|endoftext|>", *LETTERS]
KINDS = ("ddpm", "ddim", "score", "consistency", "dit", "text")


def saved(kind: str, folder: Path) -> Path:
    """The pipeline of a kind, in the folder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        globals()[f"_{kind}"]().save_pretrained(folder)
    return folder


def _unet(**more: Any) -> diffusers.UNet2DModel:
    network = diffusers.UNet2DModel(
        sample_size=16, in_channels=3, out_channels=3, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"), **BLOCKS, **more,
    )  # fmt: skip
    return network


def _vae() -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        sample_size=16, block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=4,
    )  # fmt: skip


def _ddpm() -> Any:
    return diffusers.DDPMPipeline(_unet(), diffusers.DDPMScheduler())


def _ddim() -> Any:
    return diffusers.DDIMPipeline(_unet(), diffusers.DDIMScheduler())


def _score() -> Any:
    return diffusers.ScoreSdeVePipeline(_unet(), diffusers.ScoreSdeVeScheduler(snr=0.15, sigma_max=5.0))


def _consistency() -> Any:
    return diffusers.ConsistencyModelPipeline(
        _unet(num_class_embeds=4), diffusers.CMStochasticIterativeScheduler(sigma_max=5.0)
    )


def _dit() -> Any:
    network = diffusers.DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=1, sample_size=8,
        patch_size=2, num_embeds_ada_norm=1000,
    )  # fmt: skip
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return diffusers.DiTPipeline(network, _vae(), diffusers.DDIMScheduler())


def _text() -> Any:
    network = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **BLOCKS,
    )  # fmt: skip
    text = transformers.CLIPTextConfig(**CLIP, vocab_size=len(WORDS), bos_token_id=0, eos_token_id=1, pad_token_id=1)
    tokenizer = transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(WORDS)}, merges=[], model_max_length=77
    )
    return diffusers.StableDiffusionPipeline(
        vae=_vae(), text_encoder=transformers.CLIPTextModel(text), tokenizer=tokenizer, unet=network,
        scheduler=diffusers.DDIMScheduler(clip_sample=False, steps_offset=1), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def _checked() -> Any:
    """A pipeline whose safety checker objects to everything."""
    eyes = {**CLIP, "image_size": 16, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=CLIP | {"vocab_size": 8}, vision_config=eyes, projection_dim=16)
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.fill_(-2)  # below any cosine
    eye = transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    parts = _text().components | {"safety_checker": checker, "feature_extractor": eye}
    return diffusers.StableDiffusionPipeline(**parts)


def edited(path: Path, **changes: Any) -> None:
    """A JSON file with other values."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
