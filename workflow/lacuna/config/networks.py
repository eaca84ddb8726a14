"""Where the weights of every network are: given by the configuration, or made by a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lacuna.config.published import RECEIPT
from lacuna.families import GENERATORS

if TYPE_CHECKING:
    from lacuna.config.configuration import Configuration


# The part of the encoder that each method of invert starts from.
ENCODER_OF_METHOD = {
    "z": None,
    "direct": "direct",
    "direct_z": "direct",
    "layered": "encoder",
    "layered_z": "encoder",
    "layered_r": "encoder",
}


def segmenter_weights(config: Configuration, name: str) -> str:
    """Weights of a segmenter: given, or made by train_segmenter."""
    return str(config.segmenters[name].checkpoint or f"results/train_segmenter/{name}.safetensors")


def snapshots(config: Configuration, name: str) -> list[str]:
    """The receipt of a segmenter that fetch brings from the hub; none for another."""
    folder = config.segmenters[name].checkpoint
    return [f"{folder}/{RECEIPT}"] if folder and folder.startswith("resources/hub/") else []


def classifier_weights(config: Configuration, name: str) -> str:
    """Weights of a classifier: given, or made by train_classifier."""
    return str(config.classifiers[name].checkpoint or f"results/train_classifier/{name}.safetensors")


def generator_weights(config: Configuration, name: str) -> str:
    """Weights of a generator in one file: given, or made by train_generator."""
    return generator_files(config, name)[0]


def generator_files(config: Configuration, name: str) -> list[str]:
    """All weights of a generator: one file or folder, or one for each group of classes."""
    given = config.generators[name].checkpoint
    if given is not None:
        return [given] if isinstance(given, str) else list(given)
    stage = config.generators[name].trained_by
    return [f"results/{stage}/{part}.safetensors" for part in generator_parts(config, name)]


def layered_generator(config: Configuration, source: str) -> str | None:
    """The generator that a source samples, where it is a chain of layers that can be asked for more."""
    name = config.sources[source].drawn_by
    return name if name and GENERATORS[config.generators[name].family].has_layers else None


def generator_parts(config: Configuration, name: str) -> dict[str, dict[str, Any]]:
    """What train_generator trains for a generator: name of each network -> its settings."""
    return config.generators[name].networks(name)


def generator_of_part(config: Configuration, part: str) -> str:
    """The generator that a network is part of; see `generator_parts`."""
    return next(name for name in config.generators if part in generator_parts(config, name))


def encoder_weights(config: Configuration, generator: str, method: str) -> str | None:
    """The part that a method starts from: given, or made by train_encoder; None for `z` and for an own encoder."""
    part = None if config.generators[generator].has_encoder else ENCODER_OF_METHOD[method]
    given = config.generators[generator].encoders.given()
    return str(given.get(part, f"results/train_encoder/{generator}/{part}.safetensors")) if part else None


def encoder_parts(config: Configuration, generator: str) -> list[str]:
    """Parts of a generator's encoder that its inversions need, in the order of training; none of its own one."""
    if config.generators[generator].has_encoder:
        return []
    asked = [entry for entry in config.inversions if entry.generator == generator]
    needed = {ENCODER_OF_METHOD[method] for entry in asked for method in entry.methods}
    needed -= config.generators[generator].encoders.given().keys()
    parts = [*layer_parts(config), "encoder"] if "encoder" in needed else []
    return [*parts, "direct"] if "direct" in needed else parts


def layer_parts(config: Configuration) -> list[str]:
    """The networks that the encoder is composed of."""
    return [*(f"layer_{k}" for k in range(1, config.train_encoder.layer + 1)), "tail"]
