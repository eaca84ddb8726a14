"""The configuration's entries, and what one leaves to others to say."""

from typing import Any

from lacuna.config import networks

Config = dict[str, Any]


def inversion_entry(config: Config, generator: str, source: str) -> Config:
    """The inversion of `source` by `generator`."""
    return next(entry for entry in config["inversions"] if (entry["generator"], entry["source"]) == (generator, source))


def inversion_segmenter(config: Config, entry: Config) -> str:
    """The segmenter of an inversion: named, or the only one."""
    return str(entry.get("segmenter") or next(iter(config["segmenters"])))


def inversion_perceptual(config: Config, entry: Config) -> Config:
    """Family and checkpoint of the perceptual network: named, or the backbone of the inversion's segmenter."""
    if "perceptual" in entry:
        return dict(config["perceptual"][entry["perceptual"]])
    name = inversion_segmenter(config, entry)
    return {"family": config["segmenters"][name]["family"], "checkpoint": networks.segmenter_weights(config, name)}


def control_source(config: Config, entry: Config) -> str | None:
    """The inverted samples of the same generator: what is lost of those is the method's noise floor."""
    for other in config["inversions"]:
        source = config["sources"][other["source"]]
        own = source["kind"] == "generator" and source["generator"] == entry["generator"] == other["generator"]
        if own and other["source"] != entry["source"]:
            return str(other["source"])
    return None


def omission_method(entry: Config) -> str:
    """The method whose reconstructions are looked at: `layered_r` where it was run, else the last one."""
    return "layered_r" if "layered_r" in entry["methods"] else str(entry["methods"][-1])


def conditional_entry(config: Config, generated: str, real: str) -> Config:
    """The evaluation of `generated` against `real`."""
    return next(entry for entry in config["conditional"] if (entry["generated"], entry["real"]) == (generated, real))


def training_source(config: Config, entry: Config) -> str:
    """Source of the training images of an evaluated generator: named, or what it was trained on."""
    if "training" in entry:
        return str(entry["training"])
    return str(config["generators"][config["sources"][entry["generated"]]["generator"]]["trained_on"])
