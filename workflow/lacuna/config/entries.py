"""The configuration's entries, and what one leaves to others to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lacuna.config import networks

if TYPE_CHECKING:
    from lacuna.config.conditional import Conditional
    from lacuna.config.configuration import Configuration
    from lacuna.config.distribution import Agreement
    from lacuna.config.inversion import Inversion


def inversion_entry(config: Configuration, generator: str, source: str) -> Inversion:
    """The inversion of `source` by `generator`."""
    return next(entry for entry in config.inversions if (entry.generator, entry.source) == (generator, source))


def inversion_segmenter(config: Configuration, entry: Inversion) -> str:
    """The segmenter of an inversion: named, or the only one."""
    return str(entry.segmenter or next(iter(config.segmenters)))


def inversion_perceptual(config: Configuration, entry: Inversion) -> dict[str, Any]:
    """Family, checkpoint and settings of the perceptual network: named, or the inversion's segmenter's backbone."""
    if entry.perceptual:
        return config.perceptual[entry.perceptual].given()
    return segmenter_network(config, inversion_segmenter(config, entry))


def segmenter_network(config: Configuration, name: str) -> dict[str, Any]:
    """Family, checkpoint and settings of a segmenter."""
    entry = config.segmenters[name]
    weights = networks.segmenter_weights(config, name)
    return {"family": entry.family, "checkpoint": weights, "settings": entry.usage()}


def agreement_entry(config: Configuration, first: str, second: str, *sources: str) -> Agreement:
    """The agreement of two segmenters on two sources, or the first on one."""
    return next(
        entry
        for entry in config.agreements
        if {first, second} <= set(entry.segmenters) and set(sources) <= {entry.real, entry.generated}
    )


def control_source(config: Configuration, entry: Inversion) -> str | None:
    """The inverted samples of the same generator: what is lost of those is the method's noise floor."""
    for other in config.inversions:
        source = config.sources[other.source]
        own = source.drawn_by == entry.generator == other.generator
        if own and other.source != entry.source:
            return str(other.source)
    return None


def control_table(config: Configuration, entry: Inversion) -> str | None:
    """Omissions of the generator's own samples, the noise floor; none for those samples themselves."""
    source = control_source(config, entry)
    is_photo = config.sources[entry.source].drawn_by != entry.generator
    return f"results/omissions/{entry.generator}/{source}.tsv" if is_photo and source else None


def omission_method(config: Configuration, entry: Inversion) -> str:
    """The method whose reconstructions are looked at: the widest search where it was run, else the last one.

    That is `layered_r`; of an autoencoder `direct_z`, which searches all that its decoder draws and nothing beyond.
    """
    widest = "direct_z" if config.generators[entry.generator].has_encoder else "layered_r"
    return widest if widest in entry.methods else str(entry.methods[-1])


def conditional_entry(config: Configuration, generated: str, real: str) -> Conditional:
    """The evaluation of `generated` against `real`."""
    return next(entry for entry in config.conditional if (entry.generated, entry.real) == (generated, real))


def training_source(config: Configuration, entry: Conditional) -> str:
    """Source of the training images of an evaluated generator: named, or what it was trained on."""
    drawn_by = config.sources[entry.generated].drawn_by
    return str(entry.training or (drawn_by and config.generators[drawn_by].trained_on))
