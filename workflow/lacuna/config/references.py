"""What no entry can say of itself: that names refer to something, and that entries fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lacuna.config.sources import Pictures
from lacuna.families import GENERATORS

if TYPE_CHECKING:
    from lacuna.config.base import Section
    from lacuna.config.configuration import Configuration
    from lacuna.config.distribution import Agreement, Comparison, Contrast
    from lacuna.config.inversion import Inversion
    from lacuna.config.network_entries import ClassifierEntry, GeneratorEntry, SegmenterEntry
    from lacuna.config.sources import Source


def problems(config: Configuration) -> Iterator[str]:
    """One line for each thing that is wrong with a configuration whose entries are right by themselves."""
    for name, source in config.sources.items():
        if source.drawn_by:
            yield from _reference(config, "generators", source.drawn_by, f"sources.{name}.generator")
            yield from _latents_check(config, name, source)
        if isinstance(source, Pictures) and source.path is None:
            yield (
                f"sources.{name}.path: missing, expected where its images are; give it there, or on the command line: "
                f"--config {name}=/path/to/images"
            )
    for name, segmenter in config.segmenters.items():
        yield from _own_program(f"segmenters.{name}", segmenter)
        yield from _trainable(config, f"segmenters.{name}", segmenter, ("trained_on", "validated_on"))
    for name, generator in config.generators.items():
        keys = tuple(key for key in ("trained_on", "validated_on") if key in type(generator).model_fields)
        yield from _trainable(config, f"generators.{name}", generator, keys)
        if generator.compared_by:
            yield from _reference(config, "perceptual", generator.compared_by, f"generators.{name}.train.perceptual")
    for number, comparison in enumerate(config.comparisons):
        place = f"comparisons.{number}"
        yield from _reference(config, "sources", comparison.real, f"{place}.real")
        yield from _reference(config, "sources", comparison.generated, f"{place}.generated")
        yield from _segmenter_check(config, comparison, place)
        if comparison.paired:
            yield from _has_prompts(config, comparison.generated, f"{place}.paired")
    for number, agreement in enumerate(config.agreements):
        yield from _agreement_check(config, agreement, f"agreements.{number}")
    for number, contrast in enumerate(config.contrasts):
        yield from _contrast_check(config, contrast, f"contrasts.{number}")
    for number, name in enumerate(config.truth):
        yield from _truth_check(config, name, f"truth.{number}")
    yield from _picture_checks(config)
    yield from _calibration_checks(config)
    yield from _conditional_checks(config)
    yield from _inversion_checks(config)


def _latents_check(config: Configuration, name: str, source: Source) -> Iterator[str]:
    """An encoder makes latents of images; any other generator draws its own z."""
    generator, place, redrawn = _generator(config, name), f"sources.{name}", source.redraws
    if generator and generator.has_encoder and not redrawn:
        yield (
            f"{place}: key 'latents_of' is missing, expected a source whose images {source.drawn_by} draws again: it "
            "has no prior to draw latents from"
        )
    if redrawn is None:
        return
    if generator and not generator.has_encoder:
        yield f"{place}.latents_of: found {redrawn!r}, {source.drawn_by} has no encoder of its own; take it away"
    yield from _reference(config, "sources", redrawn, f"{place}.latents_of")
    if redrawn in config.sources:
        of = config.sources[redrawn]
        if of.redraws or of.kind == "table":
            yield f"{place}.latents_of: found {redrawn!r}, expected a source of real images"
        if of.count is not None and source.count is not None and source.count > of.count:
            yield f"{place}.count: found {source.count}, expected at most the {of.count} images of {redrawn}"


def _has_prompts(config: Configuration, name: str, place: str) -> Iterator[str]:
    """Only what was drawn from a caption answers the photo of the caption."""
    generator = _generator(config, name)
    if not (generator and generator.usage().get("prompts")):
        yield f"{place}: {name} has no captions, expected samples of a generator with `prompts`"


def _agreement_check(config: Configuration, entry: Agreement, place: str) -> Iterator[str]:
    """Each of its segmenters must compare the two sources, which must have images."""
    compared = {(one.real, one.generated, one.segmenter) for one in config.comparisons}
    for name in entry.segmenters:
        if (entry.real, entry.generated, name) not in compared:
            yield f"{place}.segmenters: found {name!r}, expected a comparison of these sources by each of them"
    if entry.synonyms and len(entry.segmenters) > 2:
        yield f"{place}.synonyms: found with {len(entry.segmenters)} segmenters, expected two, whose names they are of"
    for key in ("real", "generated"):
        if _kind(config, getattr(entry, key)) == "table":
            yield f"{place}.{key}: found a table of areas, expected a source that has images to label"


def _contrast_check(config: Configuration, entry: Contrast, place: str) -> Iterator[str]:
    """Both sides are comparisons with the same real source, which bring what the contrast reads."""
    if entry.a == entry.b:
        yield f"{place}.b: found {entry.b!r} on both sides, expected two sources"
    compared = {(pair.segmenter, pair.real, pair.generated) for pair in config.comparisons}
    for key, name in (("a", entry.a), ("b", entry.b)):
        if (entry.segmenter, entry.real, name) not in compared:
            yield (
                f"{place}.{key}: found {name!r}, expected a source that is compared with {entry.real!r} by segmenter "
                f"{entry.segmenter!r}; add that to comparisons"
            )


def _truth_check(config: Configuration, name: str, place: str) -> Iterator[str]:
    """Only the world knows what it draws, and only comparisons say what that is held against."""
    if _kind(config, name) != "world" or name not in {entry.real for entry in config.comparisons}:
        yield f"{place}: found {name!r}, expected a source of kind world that is the real side of a comparison"


def _picture_checks(config: Configuration) -> Iterator[str]:
    """A ready table has no images to learn from or to invert."""
    used = [(f"inversions.{number}.source", entry.source) for number, entry in enumerate(config.inversions)]
    for section in ("segmenters", "generators"):
        for name, entry in getattr(config, section).items():
            keys = ("trained_on", "validated_on")
            used += [(f"{section}.{name}.{key}", getattr(entry, key)) for key in keys if getattr(entry, key, None)]
    for place, name in used:
        if _kind(config, name) == "table":
            yield f"{place}: found {name!r}, a table of areas, expected a source that has images"


def _conditional_checks(config: Configuration) -> Iterator[str]:
    for name, classifier in config.classifiers.items():
        yield from _own_program(f"classifiers.{name}", classifier)
        yield from _trainable(config, f"classifiers.{name}", classifier, ("trained_on", "validated_on"))
    seen = set()
    for number, entry in enumerate(config.conditional):
        place = f"conditional.{number}"
        for key, source in (("real", entry.real), ("generated", entry.generated), ("training", entry.training)):
            if source:
                yield from _reference(config, "sources", source, f"{place}.{key}")
                yield from _has_labels(config, source, f"{place}.{key}")
        yield from _reference(config, "classifiers", entry.classifier, f"{place}.classifier")
        if entry.segmenter:
            yield from _reference(config, "segmenters", entry.segmenter, f"{place}.segmenter")
        generator = _generator(config, entry.generated)
        if not (entry.training or (generator and generator.trained_on)):
            yield f"{place}: key 'training' is missing, expected the source that {entry.generated} was trained on"
        pair = (entry.generated, entry.real)
        if pair in seen:
            yield f"{place}: found {pair} twice, expected one entry for each pair"
        seen.add(pair)
    for number, name in enumerate(config.class_counts):
        if name not in {entry.generated for entry in config.conditional}:
            yield f"class_counts.{number}: found {name!r}, expected the generated source of an entry of conditional"


def _own_program(place: str, entry: ClassifierEntry | SegmenterEntry) -> Iterator[str]:
    """Loading an exported program runs what its maker wrote."""
    if entry.family == "exported" and Path(str(entry.checkpoint)).parts[:1] == ("resources",):
        yield (
            f"{place}.checkpoint: found {entry.checkpoint!r}, a downloaded file; expected a program that you exported "
            "yourself, since loading one runs what its maker wrote"
        )


def _has_labels(config: Configuration, name: str, place: str) -> Iterator[str]:
    generator = _generator(config, name)
    plain = generator is not None and not (GENERATORS[generator.family].has_labels and generator.draws_classes)
    if _kind(config, name) not in ("world", "labelled", "generator", None) or plain:
        known = " or ".join(sorted(name for name, family in GENERATORS.items() if family.has_labels))
        yield (
            f"{place}: found {name!r}, which has no labels, expected a world, labelled folders or samples of a "
            f"generator of family {known}"
        )


def _calibration_checks(config: Configuration) -> Iterator[str]:
    asked = config.calibrate
    for number, name in enumerate(asked.segmenters):
        yield from _reference(config, "segmenters", name, f"calibrate.segmenters.{number}")
    if not asked.segmenters:
        return
    if asked.source is None:
        yield "calibrate: key 'source' is missing, expected the world source whose scenes are the pool"
        return
    yield from _reference(config, "sources", asked.source, "calibrate.source")
    pool = config.sources.get(asked.source)
    if pool and pool.kind != "world":
        yield f"calibrate.source: found a source of kind {pool.kind}, expected kind world"
    elif pool and pool.count and pool.count < 2 * max(asked.counts):
        yield (
            f"calibrate.counts: found {max(asked.counts)} images per side and {pool.count} scenes in {asked.source}, "
            "expected at least twice as many scenes"
        )


def _inversion_checks(config: Configuration) -> Iterator[str]:
    layer = config.train_encoder.layer
    for place, invert in config.searches():
        if max(invert.residual_layers) > layer:
            yield f"{place}.residual_layers: found {invert.residual_layers}, expected layers 1 to {layer}"
    seen = set()
    for number, inversion in enumerate(config.inversions):
        place = f"inversions.{number}"
        yield from _reference(config, "generators", inversion.generator, f"{place}.generator")
        yield from _reference(config, "sources", inversion.source, f"{place}.source")
        yield from _layers_check(config, inversion.generator, f"{place}.generator")
        yield from _segmenter_check(config, inversion, place)
        if inversion.perceptual:
            yield from _reference(config, "perceptual", inversion.perceptual, f"{place}.perceptual")
        if inversion.generator not in config.generators or inversion.source not in config.sources:
            return
        count = config.sources[inversion.source].count  # absent: all, which is seen later
        if count is not None and inversion.count > count:
            yield f"{place}.count: found {inversion.count}, expected at most the {count} images of the source"
        pair = (inversion.generator, inversion.source)
        if pair in seen:
            yield f"{place}: found {pair} twice, expected one entry per generator and source; list the methods in one"
        seen.add(pair)


def _layers_check(config: Configuration, name: str, place: str) -> Iterator[str]:
    """An inversion searches between the layers of a chain, which not every family has."""
    family = config.generators[name].family if name in config.generators else None
    if family and not GENERATORS[family].has_layers:
        known = ", ".join(sorted(known for known, entry in GENERATORS.items() if entry.has_layers))
        yield (
            f"{place}: found {name!r} of family {family}, which can be sampled and has no layers to invert; expected "
            f"one of family {known}"
        )


def _segmenter_check(config: Configuration, entry: Comparison | Inversion, place: str) -> Iterator[str]:
    if entry.segmenter:
        yield from _reference(config, "segmenters", entry.segmenter, f"{place}.segmenter")
    else:
        yield f"{place}: {len(config.segmenters)} segmenters configured, expected key 'segmenter' to name one"


def _reference(config: Configuration, section: str, name: str, place: str) -> Iterator[str]:
    known = getattr(config, section)
    if name not in known:
        yield f"{place}: found {name!r}, expected one of {section}: {', '.join(sorted(known)) or 'none'}"


def _trainable(config: Configuration, place: str, entry: Section, keys: tuple[str, ...]) -> Iterator[str]:
    given = entry.given()
    for key in keys if "checkpoint" not in given else ():
        if key not in given:
            yield f"{place}: no checkpoint and no {key!r}, expected a checkpoint or a source to train on"
            return
        yield from _reference(config, "sources", given[key], f"{place}.{key}")


def _kind(config: Configuration, name: str) -> str | None:
    """Kind of a source; None where there is none of that name, which is said elsewhere."""
    return config.sources[name].kind if name in config.sources else None


def _generator(config: Configuration, source: str) -> GeneratorEntry | None:
    """The generator that a source samples, where there is one."""
    drawn_by = config.sources[source].drawn_by if source in config.sources else None
    return config.generators.get(drawn_by) if drawn_by else None
