"""What the schema cannot say of a configuration: that names refer to something, and that entries fit each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lacuna.config import grouping
from lacuna.config.shorthand import FILES
from lacuna.families import GENERATORS

Config = dict[str, Any]


def problems(config: Config) -> Iterator[str]:
    """A line for each thing that is wrong with a configuration that fits the schema."""
    for name, source in config["sources"].items():
        if source["kind"] == "generator":
            yield from _reference(config, "generators", source["generator"], f"sources.{name}.generator")
        if "seen_at" in source and source["size"] % source["seen_at"]:
            yield f"sources.{name}.seen_at: found {source['seen_at']}, expected a part of its size of {source['size']}"
        if "groups" in source and (problem := grouping.problem(source["groups"])):
            yield f"sources.{name}.groups: {problem}"
        if source["kind"] in FILES and "path" not in source:
            yield (
                f"sources.{name}.path: missing, expected where its images are; give it there, or on the command line: "
                f"--config {name}=/path/to/images"
            )
    for name, segmenter in config["segmenters"].items():
        if "checkpoint" not in segmenter:
            yield from _trainable(config, f"segmenters.{name}", segmenter, ("trained_on", "validated_on"))
    for name, generator in config["generators"].items():
        if "checkpoint" not in generator:
            yield from _trainable(config, f"generators.{name}", generator, ("trained_on",))
        if "splits" in generator:
            yield from _split_checks(f"generators.{name}", generator)
        elif not isinstance(generator.get("checkpoint", ""), str):
            yield (
                f"generators.{name}.checkpoint: found a list, expected one file; only families with labels have class "
                "splits"
            )
    for number, comparison in enumerate(config["comparisons"]):
        place = f"comparisons.{number}"
        for side in ("real", "generated"):
            yield from _reference(config, "sources", comparison[side], f"{place}.{side}")
        yield from _segmenter_check(config, comparison, place)
    for number, name in enumerate(config["truth"]):
        yield from _truth_check(config, name, f"truth.{number}")
    yield from _picture_checks(config)
    yield from _calibration_checks(config)
    yield from _conditional_checks(config)
    yield from _inversion_checks(config)


def _truth_check(config: Config, name: str, place: str) -> Iterator[str]:
    """Only the world knows what it draws, and only comparisons say what that is held against."""
    kind = config["sources"].get(name, {}).get("kind")
    if kind != "world" or name not in {entry["real"] for entry in config["comparisons"]}:
        yield f"{place}: found {name!r}, expected a source of kind world that is the real side of a comparison"


def _picture_checks(config: Config) -> Iterator[str]:
    """A ready table has no images to learn from or to invert."""
    used = [(f"inversions.{number}.source", entry["source"]) for number, entry in enumerate(config["inversions"])]
    for section in ("segmenters", "generators"):
        for name, entry in config[section].items():
            used += [(f"{section}.{name}.{key}", entry[key]) for key in ("trained_on", "validated_on") if key in entry]
    for place, name in used:
        if config["sources"].get(name, {}).get("kind") == "table":
            yield f"{place}: found {name!r}, a table of areas, expected a source that has images"


def _conditional_checks(config: Config) -> Iterator[str]:
    for name, classifier in config["classifiers"].items():
        if classifier["family"] == "exported" and Path(classifier["checkpoint"]).parts[:1] == ("resources",):
            yield (
                f"classifiers.{name}.checkpoint: found {classifier['checkpoint']!r}, a downloaded file; expected a "
                "program that you exported yourself, since loading one runs what its maker wrote"
            )
        if "checkpoint" not in classifier:
            yield from _trainable(config, f"classifiers.{name}", classifier, ("trained_on", "validated_on"))
    seen = set()
    for number, entry in enumerate(config["conditional"]):
        place = f"conditional.{number}"
        for key, section in (("real", "sources"), ("generated", "sources"), ("training", "sources")):
            if key in entry:
                yield from _reference(config, section, entry[key], f"{place}.{key}")
                yield from _has_labels(config, entry[key], f"{place}.{key}")
        yield from _reference(config, "classifiers", entry["classifier"], f"{place}.classifier")
        if "segmenter" in entry:
            yield from _reference(config, "segmenters", entry["segmenter"], f"{place}.segmenter")
        generator = config["generators"].get(config["sources"].get(entry["generated"], {}).get("generator"), {})
        if "training" not in entry and "trained_on" not in generator:
            yield f"{place}: key 'training' is missing, expected the source that {entry['generated']} was trained on"
        pair = (entry["generated"], entry["real"])
        if pair in seen:
            yield f"{place}: found {pair} twice, expected one entry for each pair"
        seen.add(pair)
    for number, name in enumerate(config["class_counts"]):
        if name not in {entry["generated"] for entry in config["conditional"]}:
            yield f"class_counts.{number}: found {name!r}, expected the generated source of an entry of conditional"


def _has_labels(config: Config, name: str, place: str) -> Iterator[str]:
    source = config["sources"].get(name, {"kind": "world"})
    generator = config["generators"].get(source.get("generator"))
    plain = generator is not None and ("label" in generator or not GENERATORS[generator["family"]].has_labels)
    if source["kind"] not in ("world", "labelled", "generator") or plain:
        known = " or ".join(sorted(name for name, family in GENERATORS.items() if family.has_labels))
        yield (
            f"{place}: found {name!r}, which has no labels, expected a world, labelled folders or samples of a "
            f"generator of family {known}"
        )


def _calibration_checks(config: Config) -> Iterator[str]:
    asked = config["calibrate"]
    for number, name in enumerate(asked["segmenters"]):
        yield from _reference(config, "segmenters", name, f"calibrate.segmenters.{number}")
    if not asked["segmenters"]:
        return
    if "source" not in asked:
        yield "calibrate: key 'source' is missing, expected the world source whose scenes are the pool"
        return
    yield from _reference(config, "sources", asked["source"], "calibrate.source")
    pool = config["sources"].get(asked["source"], {})
    if pool and pool["kind"] != "world":
        yield f"calibrate.source: found a source of kind {pool['kind']}, expected kind world"
    elif pool and pool["count"] < 2 * max(asked["counts"]):
        yield (
            f"calibrate.counts: found {max(asked['counts'])} images a side and {pool['count']} scenes in "
            f"{asked['source']}, expected at least twice as many scenes"
        )


def _split_checks(place: str, generator: Config) -> Iterator[str]:
    splits, classes = generator["splits"], generator["train"]["classes"]
    if isinstance(splits, int):
        if classes % splits or classes // splits < 2:
            yield f"{place}.splits: found {splits}, expected equal groups of at least 2 of the {classes} classes"
        return
    labels = [label for group in splits for label in group]
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    missed = sorted(set(range(classes)) - set(labels))
    beyond = [label for label in labels if label >= classes]
    for found, what in ((repeated, "repeats"), (missed, "misses"), (beyond, "holds unknown")):
        if found:
            yield f"{place}.splits: {what} class {found[0]}, expected each of the classes 0 to {classes - 1} once"


def _inversion_checks(config: Config) -> Iterator[str]:
    layer, trained = config["invert"]["layer"], config["train_encoder"]["layer"]
    if layer != trained:
        yield f"invert.layer: found {layer}, expected the encoder's, train_encoder.layer {trained}"
    if max(config["invert"]["residual_layers"]) > layer:
        yield f"invert.residual_layers: found {config['invert']['residual_layers']}, expected layers 1 to {layer}"
    seen = set()
    for number, inversion in enumerate(config["inversions"]):
        place = f"inversions.{number}"
        yield from _reference(config, "generators", inversion["generator"], f"{place}.generator")
        yield from _reference(config, "sources", inversion["source"], f"{place}.source")
        yield from _segmenter_check(config, inversion, place)
        if "perceptual" in inversion:
            yield from _reference(config, "perceptual", inversion["perceptual"], f"{place}.perceptual")
        if inversion["generator"] not in config["generators"] or inversion["source"] not in config["sources"]:
            return
        count = config["sources"][inversion["source"]].get("count")  # absent: all, which is seen later
        if count is not None and inversion["count"] > count:
            yield f"{place}.count: found {inversion['count']}, expected at most the {count} images of the source"
        pair = (inversion["generator"], inversion["source"])
        if pair in seen:
            yield f"{place}: found {pair} twice, expected one entry a generator and source; list the methods in one"
        seen.add(pair)


def _segmenter_check(config: Config, entry: Config, place: str) -> Iterator[str]:
    if "segmenter" in entry:
        yield from _reference(config, "segmenters", entry["segmenter"], f"{place}.segmenter")
    else:
        yield f"{place}: {len(config['segmenters'])} segmenters configured, expected key 'segmenter' to name one"


def _reference(config: Config, section: str, name: str, place: str) -> Iterator[str]:
    if name not in config[section]:
        yield f"{place}: found {name!r}, expected one of {section}: {', '.join(sorted(config[section])) or 'none'}"


def _trainable(config: Config, place: str, entry: Config, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if key not in entry:
            yield f"{place}: no checkpoint and no {key!r}, expected a checkpoint or a source to train on"
            return
        yield from _reference(config, "sources", entry[key], f"{place}.{key}")
