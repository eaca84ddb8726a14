"""Where the weights of every network are: given by the configuration, or made by a stage."""

from typing import Any

Config = dict[str, Any]
# The part of the encoder that each method of invert starts from.
ENCODER_OF_METHOD = {
    "z": None,
    "direct": "direct",
    "direct_z": "direct",
    "layered": "encoder",
    "layered_z": "encoder",
    "layered_r": "encoder",
}


def segmenter_weights(config: Config, name: str) -> str:
    """Weights of a segmenter: given, or made by train_segmenter."""
    return str(config["segmenters"][name].get("checkpoint", f"results/train_segmenter/{name}.safetensors"))


def classifier_weights(config: Config, name: str) -> str:
    """Weights of a classifier: given, or made by train_classifier."""
    return str(config["classifiers"][name].get("checkpoint", f"results/train_classifier/{name}.safetensors"))


def generator_weights(config: Config, name: str) -> str:
    """Weights of a generator in one file: given, or made by train_generator."""
    return generator_files(config, name)[0]


def generator_files(config: Config, name: str) -> list[str]:
    """All weights of a generator: one file, or one for each group of classes."""
    given = config["generators"][name].get("checkpoint")
    if given is not None:
        return [given] if isinstance(given, str) else list(given)
    return [f"results/train_generator/{part}.safetensors" for part in generator_parts(config, name)]


def generator_parts(config: Config, name: str) -> dict[str, Config]:
    """What train_generator trains for a generator: name of each network -> its settings.

    One network of the generator's own name; of class splits one for each group, `<name>_split_0` and so on.
    """
    entry = config["generators"][name]
    if "splits" not in entry:
        return {name: dict(entry["train"])}
    count, splits = entry["train"]["classes"], entry["splits"]
    if isinstance(splits, int):
        size = count // splits
        splits = [list(range(first, first + size)) for first in range(0, count, size)]
    parts = [name] if len(splits) == 1 else [f"{name}_split_{k}" for k in range(len(splits))]
    return {part: entry["train"] | {"classes": classes} for part, classes in zip(parts, splits, strict=True)}


def generator_of_part(config: Config, part: str) -> str:
    """The generator that a network is part of; see `generator_parts`."""
    return next(name for name in config["generators"] if part in generator_parts(config, name))


def generator_settings(config: Config, name: str) -> Config:
    """What a generator's entry says beside where its weights come from: how they are used, such as `truncation`."""
    origin = ("family", "checkpoint", "trained_on", "train", "splits", "encoders", "optional", "curve")
    return {key: value for key, value in config["generators"][name].items() if key not in origin}


def encoder_weights(config: Config, generator: str, method: str) -> str | None:
    """The part that a method starts from: given, or made by train_encoder; None for `z`."""
    part = ENCODER_OF_METHOD[method]
    given = config["generators"][generator]["encoders"]
    return str(given.get(part, f"results/train_encoder/{generator}/{part}.safetensors")) if part else None


def encoder_parts(config: Config, generator: str) -> list[str]:
    """Parts of a generator's encoder that its inversions need, in the order of training."""
    asked = [entry for entry in config["inversions"] if entry["generator"] == generator]
    needed = {ENCODER_OF_METHOD[method] for entry in asked for method in entry["methods"]}
    needed -= config["generators"][generator]["encoders"].keys()
    parts = [*layer_parts(config), "encoder"] if "encoder" in needed else []
    return [*parts, "direct"] if "direct" in needed else parts


def layer_parts(config: Config) -> list[str]:
    """The networks that the encoder is composed of."""
    return [*(f"layer_{k}" for k in range(1, config["train_encoder"]["layer"] + 1)), "tail"]
