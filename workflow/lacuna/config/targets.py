"""Which files a configuration asks for, a stage at a time. Configuration in, paths out.

`all` follows from comparisons and inversions, never from the list of sources.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from lacuna.config import entries, networks, published
from lacuna.config.shards import Shard, shards
from lacuna.families import GENERATORS

if TYPE_CHECKING:
    from lacuna.config.conditional import Conditional
    from lacuna.config.configuration import Configuration
    from lacuna.config.distribution import Agreement, Comparison, Contrast
    from lacuna.config.inversion import Inversion

CONDITIONAL = {"discriminate": ("tsv", "json"), "diversity": ("tsv", "json"), "overfit": ("tsv", "json", "h5")}
SHARDED = {
    "world": "render",
    "labelled": "gather",
    "generator": "sample",
}  # kinds whose images the workflow makes, and the stage that does


def stage_files(config: Configuration) -> dict[str, list[str]]:
    """Stage name -> the files that bring it up to date, without repeats, in a stable order."""
    files = {
        "fetch": [
            *(published.result(entry.given()) for entry in config.downloads.values()),
            *(path for name in used_segmenters(config) for path in networks.snapshots(config, name)),
        ],
        "render": [path for name in used_sources(config) for path in image_shards(config, name, "world")],
        "gather": [path for name in used_sources(config) for path in image_shards(config, name, "labelled")],
        "train_segmenter": [networks.segmenter_weights(config, name) for name in trained(config, "segmenters")],
        **{stage: trained_generators(config, stage) for stage in ("train_generator", "train_autoencoder")},
        "train_classifier": [networks.classifier_weights(config, name) for name in trained(config, "classifiers")],
        "sample": [path for name in used_sources(config) for path in image_shards(config, name, "generator")],
        "segment": [path for pair in measured(config) for path in table_shards(config, *pair, "segment")],
        "tabulate": [path for pair in measured(config) for path in table_shards(config, *pair, "tabulate")],
        "moments": [f"results/moments/{segmenter}/{source}.h5" for segmenter, source in measured(config)],
        "fsd": [path for comparison in config.comparisons for path in fsd_files(comparison)],
        "paired": [path for entry in config.comparisons if entry.paired for path in paired_files(entry)],
        "agreement": [path for entry in config.agreements for path in agreement_files(entry)],
        "appearance": [path for comparison in looked_at(config) for path in appearance_files(comparison)],
        "contrast": [path for entry in config.contrasts for path in contrast_files(entry)],
        "truth": [path for pair in true_pairs(config) for path in truth_files(*pair)],
        "follow": [f"results/follow/{name}.tsv" for name in followed(config)],
        "plant": [path for name in config.calibrate.segmenters for path in planted_shards(config, name)],
        "calibrate": [f"results/calibrate/{name}.tsv" for name in config.calibrate.segmenters],
        "fsd_by_class": [
            path for entry in config.conditional if entry.segmenter for path in by_class_files(entry)
        ],
        **{
            stage: [path for entry in config.conditional for path in conditional_files(stage, entry)]
            for stage in CONDITIONAL
        },
        "train_encoder": [
            f"results/train_encoder/{name}/{part}.safetensors"
            for name in inverted_generators(config)
            for part in networks.encoder_parts(config, name)
        ],
        "invert": [
            path for entry in config.inversions for method in entry.methods
            for path in inversion_shards(config, entry, method)
        ],
        "evaluate": [f"results/evaluate/{entry.generator}/{entry.source}.tsv" for entry in config.inversions],
        "omissions": [path for entry in config.inversions for path in omission_files(entry)],
        "report": [f"results/report/{config.report}.html"],
    }  # fmt: skip
    return {stage: list(dict.fromkeys(paths)) for stage, paths in files.items()}


def used_sources(config: Configuration) -> list[str]:
    """Sources that comparisons, inversions, the calibration and the trainings behind them need."""
    names = [getattr(entry, side) for entry in config.comparisons for side in ("real", "generated")]
    names += [entry.source for entry in config.inversions]
    names += [redrawn for name in names if (redrawn := config.sources[name].redraws)]
    names += [str(config.calibrate.source)] if config.calibrate.segmenters else []
    names += [name for entry in config.conditional for name in (entry.real, entry.generated)]
    names += [entries.training_source(config, entry) for entry in config.conditional]
    for section in ("segmenters", "generators", "classifiers"):
        for name in trained(config, section):
            entry = getattr(config, section)[name]
            names += [getattr(entry, key) for key in ("trained_on", "validated_on") if getattr(entry, key, None)]
    return list(dict.fromkeys(names))


def trained(config: Configuration, section: str) -> list[str]:
    """Segmenters, classifiers or generators in use that have no checkpoint and so are trained by the workflow."""
    if section == "segmenters":
        names = used_segmenters(config)
    elif section == "classifiers":
        names = [entry.classifier for entry in config.conditional]
    else:
        used = [getattr(entry, side) for entry in config.comparisons for side in ("real", "generated")]
        used += [entry.source for entry in config.inversions]
        used += [entry.generated for entry in config.conditional]
        names = [drawn_by for name in used if (drawn_by := config.sources[name].drawn_by)]
        names += inverted_generators(config)
    return [name for name in dict.fromkeys(names) if not getattr(config, section)[name].checkpoint]


def trained_generators(config: Configuration, stage: str) -> list[str]:
    """Weights of the generators that a stage trains."""
    names = [name for name in trained(config, "generators") if config.generators[name].trained_by == stage]
    return [path for name in names for path in networks.generator_files(config, name)]


def used_segmenters(config: Configuration) -> list[str]:
    """Segmenters that comparisons, inversions, the calibration and evaluations by class ask for."""
    names = [entry.segmenter for entry in config.comparisons]
    names += [entries.inversion_segmenter(config, entry) for entry in config.inversions]
    names += config.calibrate.segmenters
    names += [entry.segmenter for entry in config.conditional if entry.segmenter]
    return list(dict.fromkeys(names))


def measured(config: Configuration) -> list[tuple[str, str]]:
    """Pairs of segmenter and source that are segmented."""
    pairs = [(entry.segmenter, getattr(entry, side)) for entry in config.comparisons for side in ("real", "generated")]
    by_class = [entry for entry in config.conditional if entry.segmenter]
    pairs += [(str(entry.segmenter), getattr(entry, side)) for entry in by_class for side in ("real", "generated")]
    return list(dict.fromkeys(pairs))


def inverted_generators(config: Configuration) -> list[str]:
    """Generators that any inversion asks for."""
    return list(dict.fromkeys(entry.generator for entry in config.inversions))


def image_shards(config: Configuration, source: str, kind: str | None = None) -> list[str]:
    """Image shards of a source that the workflow makes; none for another `kind` or for images that exist already."""
    settings = config.sources[source]
    if settings.kind not in SHARDED or kind not in (None, settings.kind):
        return []
    stage = SHARDED[settings.kind]
    return [f"results/{stage}/{source}/{shard.name}.h5" for shard in image_ranges(config, source)]


def image_ranges(config: Configuration, source: str) -> list[Shard]:
    """Shards of all images of a source."""
    return shards(config.sources[source].count or 0, config.shard_size.images)


def table_folder(config: Configuration, segmenter: str, source: str) -> str:
    """Folder of the class-area tables of a source: those of segment, or a ready table's own."""
    stage = "tabulate" if config.sources[source].kind == "table" else "segment"
    return f"results/{stage}/{segmenter}/{source}"


def table_shards(config: Configuration, segmenter: str, source: str, stage: str | None = None) -> list[str]:
    """Class-area tables of a source; none where another `stage` makes them."""
    folder = table_folder(config, segmenter, source)
    if stage and not folder.startswith(f"results/{stage}/"):
        return []
    return [f"{folder}/{shard.name}.h5" for shard in image_ranges(config, source)]


def fsd_files(comparison: Comparison) -> list[str]:
    """JSON and TSV of one comparison."""
    stem = f"results/fsd/{comparison.segmenter}/{comparison.real}~{comparison.generated}"
    return [f"{stem}.json", f"{stem}.tsv"]


def agreement_files(entry: Agreement) -> list[str]:
    """TSV and JSON of every two segmenters of an agreement."""
    return [
        f"results/agreement/{first}~{second}/{entry.real}~{entry.generated}.{suffix}"
        for first, second in itertools.combinations(entry.segmenters, 2)
        for suffix in ("tsv", "json")
    ]


def paired_files(comparison: Comparison) -> list[str]:
    """TSV and JSON of one comparison, image by image."""
    stem = f"results/paired/{comparison.segmenter}/{comparison.real}~{comparison.generated}"
    return [f"{stem}.tsv", f"{stem}.json"]


def looked_at(config: Configuration) -> list[Comparison]:
    """Comparisons whose classes can be looked at: of sources that have images."""
    kinds = {name: source.kind for name, source in config.sources.items()}
    return [entry for entry in config.comparisons if "table" not in (kinds[entry.real], kinds[entry.generated])]


def appearance_files(comparison: Comparison) -> list[str]:
    """How classes look, how many regions they have, a summary, and pictures of some, of one comparison."""
    stem = f"results/appearance/{comparison.segmenter}/{comparison.real}~{comparison.generated}"
    return [f"{stem}.{suffix}" for suffix in ("tsv", "numbers.tsv", "json", "h5")]


def contrast_files(entry: Contrast) -> list[str]:
    """JSON and TSV of two comparisons that share their real source."""
    stem = f"results/contrast/{entry.segmenter}/{entry.real}~{entry.a}~{entry.b}"
    return [f"{stem}.json", f"{stem}.tsv"]


def compared_with(config: Configuration, segmenter: str, real: str) -> list[str]:
    """Generated sources that a real one is compared with by a segmenter."""
    pairs = [entry for entry in config.comparisons if (entry.segmenter, entry.real) == (segmenter, real)]
    return list(dict.fromkeys(entry.generated for entry in pairs))


def true_pairs(config: Configuration) -> list[tuple[str, str]]:
    """Segmenter and real source of the comparisons that are held against the world's own labels."""
    pairs = [(entry.segmenter, entry.real) for entry in config.comparisons if entry.real in config.truth]
    return list(dict.fromkeys(pairs))


def truth_files(segmenter: str, real: str) -> list[str]:
    """TSV and JSON of what the world really draws."""
    return [f"results/truth/{segmenter}/{real}.{suffix}" for suffix in ("tsv", "json")]


def followed(config: Configuration) -> dict[str, Comparison]:
    """Generators without classes that the workflow trains, and the first comparison of each one's samples."""
    adversarial = {name for name, entry in config.generators.items() if entry.trained_by == "train_generator"}
    families = {name: entry.family for name, entry in config.generators.items()}
    names = [name for name in trained(config, "generators") if name in adversarial]
    names = [name for name in names if not GENERATORS[families[name]].has_labels]
    found: dict[str, Comparison] = {}
    for entry in config.comparisons:
        name = config.sources[entry.generated].drawn_by
        if name in names:
            found.setdefault(name, entry)
    return found


def segment_settings(config: Configuration, segmenter: str, source: str) -> dict[str, Any]:
    """What segment is told of heads, common size and precision, and of how a source is read and grouped."""
    own = {"size": size} if (size := config.segmenters[segmenter].size) else {}
    settings = config.sources[source]
    common = config.segment.model_dump(include={"heads", "size", "precision"})
    groups = {key: value for key, value in settings.given().items() if key == "groups"}
    return common | own | groups | {"source": settings.reading}


def by_class_files(entry: Conditional) -> list[str]:
    """JSON and TSV of the comparison within each class."""
    stem = f"results/fsd_by_class/{entry.segmenter}/{entry.real}~{entry.generated}"
    return [f"{stem}.json", f"{stem}.tsv"]


def conditional_files(stage: str, entry: Conditional) -> list[str]:
    """Results of one stage of the evaluation of a conditional generator."""
    return [f"results/{stage}/{entry.generated}~{entry.real}.{suffix}" for suffix in CONDITIONAL[stage]]


def planted_shards(config: Configuration, segmenter: str) -> list[str]:
    """Class areas of the calibration's scenes without each of their objects."""
    source = str(config.calibrate.source)
    return [f"results/plant/{segmenter}/{source}/{shard.name}.h5" for shard in image_ranges(config, source)]


def inversion_shards(config: Configuration, entry: Inversion, method: str) -> list[str]:
    """Inversions of one method."""
    folder = f"results/invert/{method}/{entry.generator}/{entry.source}"
    return [f"{folder}/{shard.name}.h5" for shard in shards(entry.count, config.shard_size.inversions)]


def omission_files(entry: Inversion) -> list[str]:
    """Table, label maps and ranking of classes of the omissions of one inversion."""
    stem = f"results/omissions/{entry.generator}/{entry.source}"
    return [f"{stem}.tsv", f"{stem}.h5", f"{stem}.classes.tsv"]
