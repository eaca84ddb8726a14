"""Tiny autoencoders of every class, with random weights, as diffusers itself saves them."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vq_model import VQModel

SIZE = 32
DOWN, UP = "DownEncoderBlock2D", "UpDecoderBlock2D"
CLASSES = ("AutoencoderKL", "VQModel", "AutoencoderTiny", "AutoencoderDC")
STRIDES = {"AutoencoderKL": 4, "VQModel": 2, "AutoencoderTiny": 2, "AutoencoderDC": 2}


def tiny(name: str, seed: int = 0, **config: Any) -> Any:
    """An untrained autoencoder of this class; `config` goes over its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MAKERS[name](**config).eval()


def _kl(**config: Any) -> AutoencoderKL:
    sides = {"down_block_types": (DOWN,) * 3, "up_block_types": (UP,) * 3, "block_out_channels": (8, 8, 16)}
    return AutoencoderKL(**{**sides, "norm_num_groups": 4, "sample_size": SIZE, **config})


def _vq(**config: Any) -> VQModel:
    sides = {"down_block_types": (DOWN,) * 2, "up_block_types": (UP,) * 2, "block_out_channels": (8, 16)}
    return VQModel(**{**sides, "norm_num_groups": 4, "sample_size": SIZE, "num_vq_embeddings": 8, **config})


def _tiny(**config: Any) -> AutoencoderTiny:
    sides = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    return AutoencoderTiny(**{**sides, "num_encoder_blocks": (1, 1), "num_decoder_blocks": (1, 2), **config})


def _dc(**config: Any) -> AutoencoderDC:
    blocks = {"encoder_block_types": ("ResBlock", "EfficientViTBlock"), "encoder_block_out_channels": (8, 16),
              "encoder_layers_per_block": (1, 1), "encoder_qkv_multiscales": ((), (5,))}  # fmt: skip
    blocks |= {key.replace("encoder", "decoder"): value for key, value in blocks.items()}
    return AutoencoderDC(**{**blocks, "latent_channels": 4, "attention_head_dim": 4, **config})


MAKERS = {"AutoencoderKL": _kl, "VQModel": _vq, "AutoencoderTiny": _tiny, "AutoencoderDC": _dc}


def save(folder: Path, name: str = "AutoencoderKL", **config: Any) -> Path:
    """The folder of an autoencoder, saved by the library."""
    tiny(name, **config).save_pretrained(folder)
    return folder
