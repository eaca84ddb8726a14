"""Every training of the package at toy size, run by its stage: what the tests of the stages and of the loop share."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from inversion_case import TRAINING, save_generator
from segmenter_case import WORLD

from lacuna.formats import images
from lacuna.runtime.provenance import Provenance, canonical_json
from lacuna.stages import (
    render,
    train_autoencoder,
    train_classifier,
    train_encoder,
    train_generator,
    train_segmenter,
)  # fmt: skip

GAN: dict[str, Any] = {
    "sizes": [4, 4, 4],
    "schedule": [{"size": 4, "images": 24, "fade": 0}, {"size": 8, "images": 40, "fade": 16}],
    "images": 64, "batch_size": 8, "precision": "float32", "learning_rate": 0.002, "betas": [0, 0.99],
    "loss": "logistic", "critic_steps": 1, "gradient_penalty": 10.0, "drift": 0.001, "r1": 1.0, "r1_interval": 4,
    "ema_half_life": 20, "log_interval": 24, "sheet_interval": 32,
}  # fmt: skip
WGAN = {
    "loss": "wasserstein", "critic_steps": 2, "images": 96, "schedule": [{"size": 8, "images": 96, "fade": 0}],
}  # fmt: skip
STYLEGAN = {"mapping_layers": 2, "mapping_rate": 0.5, "style_mixing": 0.5}
ACGAN: dict[str, Any] = {
    "classes": [3, 1], "sizes": [5, 6, 4], "discriminator_widths": [4, 4, 4, 4, 4, 4], "dropout": 0.5, "noise": 0.1,
    "images": 48, "batch_size": 8, "precision": "float32", "learning_rate": 0.0002, "betas": [0.5, 0.999],
    "ema_half_life": 20, "log_interval": 24, "sheet_interval": 32,
}  # fmt: skip
RESNET = {"block": "basic", "depths": [1, 1, 1, 1], "stem_widths": [4, 4, 4], "widths": [4, 4, 8, 8], "stem_stride": 2}
SEGMENTER: dict[str, Any] = {
    "architecture": {"encoder": RESNET, "fpn_dim": 8, "ppm_dim": 4}, "images": 56, "batch_size": 8,
    "learning_rate": 0.003, "weight_decay": 0.0001, "precision": "float32", "class_weight_power": 0.25,
    "loss_weights": {"object": 1.0, "part": 0.5, "material": 0.5, "scene": 0.25}, "log_interval": 16,
}  # fmt: skip
CLASSIFIER: dict[str, Any] = {
    "architecture": RESNET | {"stem_stride": 1}, "images": 96, "batch_size": 8, "learning_rate": 0.01,
    "weight_decay": 0.0001, "precision": "float32", "log_interval": 24,
}  # fmt: skip
AUTOENCODER: dict[str, Any] = {
    "architecture": {"widths": [8, 8, 8], "layers": 1, "latent_channels": 2, "groups": 4}, "images": 64,
    "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.0001, "lambda_pixel": 1.0, "lambda_perceptual": 0.5,
    "lambda_kl": 0.0001, "feature_levels": [0, 1], "precision": "float32", "log_interval": 16,
    "adversary": {"weight": 0.1, "start": 24, "width": 4, "learning_rate": 0.001, "r1": 1.0, "r1_interval": 2},
}  # fmt: skip
COLOURS = ["red", "green", "blue"]


def noise_images(folder: Path, size: int = 8, count: int = 30, classes: int = 0) -> Path:
    """Shards of images of noise, the number of each in its first pixel; of so many classes in turn."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count)
    for first in range(0, count, 20):
        rows = np.arange(first, min(first + 20, count))
        label = rows % classes if classes else None
        path = folder / f"{first}-{rows[-1]}.h5"
        images.write(path, pixels[rows], rows, Provenance("render", "test"), label=label)
    return folder


def colours(folder: Path) -> Path:
    """Sixty noisy images of 16 pixels in two shards, each bright in the colour that is its class."""
    random = np.random.default_rng(0)
    for first in (0, 30):
        rows = np.arange(first, first + 30)
        pixels = random.integers(0, 120, (30, 16, 16, 3), dtype=np.uint8)
        pixels[np.arange(30), :, :, rows % 3] += 100
        attributes = {"vocabulary": canonical_json({"scene": COLOURS})}
        path, made = folder / f"{first}-{first + 29}.h5", Provenance("render", "test")
        images.write(path, pixels, rows, made, label=rows % 3, attributes=attributes)
    return folder


def scenes(folder: Path) -> Path:
    """Twenty-four rendered scenes in two shards."""
    for first, last in [(0, 15), (16, 23)]:
        words = {"settings": WORLD, "seed": 3, "first": first, "last": last, "code": "c"}
        render.main(flags(words, shard=folder / f"{first}-{last}.h5"))
    return folder


def parts(folder: Path) -> Path:
    """A generator, and the parts that its encoder is composed of."""
    save_generator(folder / "generator.safetensors")
    for part in ("layer_1", "layer_2", "layer_3", "tail"):
        encoder(folder, folder, part)
    return folder


def flags(told: dict[str, Any], **paths: Path) -> list[str]:
    """What a stage is told, as words of its command line."""
    words = {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in told.items()}
    words |= {name: str(path) for name, path in paths.items()}
    return [word for name, value in words.items() for word in (f"--{name.replace('_', '-')}", value)]


def outputs(out: Path) -> dict[str, Path]:
    """Files that every training leaves, as flags."""
    return {
        name: out / file for name, file in (("state", "state.pt"), ("weights", "net.safetensors"), ("log", "net.tsv"))
    }


def generator(
    source: Path, out: Path, family: str = "progan", code: str = "digest", count: int = 30, **settings: Any
) -> Path:
    """A GAN on the images in `source`."""
    told = {
        "family": family, "images": source, "count": count, "shard_size": 20, "seed": 3, "device": "cpu", "threads": 1,
        "settings": settings, "code": code,
    }  # fmt: skip
    train_generator.main(flags(told, **outputs(out), card=out / "net.md", sheets=out / "sheets"))
    return out


def _judged(
    stage: Any,
    source: Path,
    out: Path,
    count: int,
    held_out: int,
    shard_size: int,
    settings: dict[str, Any],
    code: str,
    **more: Any,
) -> Path:
    told = {
        "images": source, "count": count, "validation_images": source, "validation_count": held_out,
        "shard_size": shard_size, "seed": 1, "device": "cpu", "threads": 1, "settings": settings, "code": code, **more,
    }  # fmt: skip
    stage.main(flags(told, **outputs(out), card=out / "net.md"))
    return out


def segmenter(source: Path, out: Path, code: str = "digest", **changes: Any) -> Path:
    return _judged(train_segmenter, source, out, 24, 16, 16, SEGMENTER | changes, code)


def classifier(source: Path, out: Path, code: str = "digest", **changes: Any) -> Path:
    return _judged(train_classifier, source, out, 60, 30, 30, CLASSIFIER | changes, code)


def autoencoder(
    source: Path, out: Path, code: str = "digest", told: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """An autoencoder; `told` is what the stage is told beside its settings."""
    return _judged(train_autoencoder, source, out, 24, 16, 16, AUTOENCODER | changes, code, **told or {})


def encoder(source: Path, out: Path, part: str, code: str = "digest", **changes: Any) -> Path:
    """A part of the encoder of the generator in `source`; the weights are called by the part's name."""
    told = {
        "part": part, "family": "progan", "checkpoint": source / "generator.safetensors", "parts_dir": source,
        "seed": 1, "device": "cpu", "threads": 1, "settings": TRAINING | changes, "code": code,
    }  # fmt: skip
    names = {"state": f"{part}.state.pt", "weights": f"{part}.safetensors", "log": f"{part}.tsv"}
    train_encoder.main(flags(told, **{name: out / file for name, file in names.items()}))
    return out


@dataclass(frozen=True)
class Case:
    """One training: what it learns from, its stage, what it is told, its steps and those after which the log has a row.

    number: one of those that each step gives.
    """

    source: Callable[[Path], Path]
    train: Callable[..., Path]
    steps: int
    rows: tuple[int, ...]
    number: str
    told: dict[str, Any] = field(default_factory=dict)
    file: str = "net"

    def run(self, source: Path, out: Path, **changes: Any) -> Path:
        return self.train(source, out, **self.told | changes)


def _gan(steps: int, rows: tuple[int, ...], family: str = "progan", **changes: Any) -> Case:
    return Case(noise_images, generator, steps, rows, "loss_g", {"family": family, **GAN, **changes})


CASES = {
    "progan": _gan(8, (3, 6)),
    "progan_bfloat16": _gan(8, (3, 6), loss="wasserstein", precision="bfloat16"),
    "stylegan": _gan(8, (3, 6), "stylegan", **STYLEGAN),
    "wgan": _gan(6, (2, 3, 5, 6), "wgan", **WGAN),
    "acgan": Case(
        lambda folder: noise_images(folder, 32, 40, 4), generator, 6, (3, 6), "loss_g",
        {"family": "acgan", "count": 40, **ACGAN},
    ),
    "segmenter": Case(scenes, segmenter, 7, (2, 4, 6, 7), "loss_part"),
    "classifier": Case(colours, classifier, 12, (3, 6, 9, 12), "loss"),
    "autoencoder": Case(scenes, autoencoder, 8, (2, 4, 6, 8), "pixel"),
    "layer": Case(parts, encoder, 6, (0, 2, 4, 6), "loss", {"part": "layer_3"}, "layer_3"),
    "encoder": Case(parts, encoder, 4, (0, 2, 4), "loss", {"part": "encoder"}, "encoder"),
}  # fmt: skip
