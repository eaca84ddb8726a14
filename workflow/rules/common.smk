# The checked configuration, wildcard constraints and input functions; no rule.
import json
import os
import re
import shlex
import sys
from pathlib import Path

sys.path.insert(0, f"{workflow.basedir}/workflow")

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from lacuna.formats import upp
from lacuna.kit import published, shorthand, targets
from lacuna.kit.configuration import check_config
from lacuna.kit.provenance import canonical_json
from lacuna.kit.shards import shard_from_name, shards
from lacuna.kit.source_code import remember, source_digest
from lacuna.sources import census, lsun

# What is set beside the Snakefile must reach every job, also where the folder has a space in its name. The trap lets the
# shell outlive the SIGTERM that a scheduler sends to all processes: if it died first, the job would count as ended, and
# a stage that is saving its state would be killed.
shell.prefix(f"set -euo pipefail; trap : TERM; export PYTHONPATH={shlex.quote(f'{workflow.basedir}/workflow')}; ")

remember(Path(".snakemake/lacuna_sources.json"))

CONFIG_FILES = " + ".join(str(path) for path in workflow.configfiles) or "config"
try:
    CONFIG, LEFT_OUT = shorthand.without_missing(check_config(config, where=CONFIG_FILES), os.path.exists)
    HELD = census.census(CONFIG, targets.used_sources(CONFIG))
    CONFIG = check_config(census.counted(CONFIG, HELD), where=CONFIG_FILES)
    STAGE_FILES = targets.stage_files(CONFIG)
except ValueError as error:
    raise WorkflowError(f"check_config: {error}") from None
for line in LEFT_OUT:
    logger.warning(line)

# Everything that fetch can bring: what the configuration names, and all else that is published.
DOWNLOADS = [*CONFIG["downloads"].values(), *published.entries().values()]


wildcard_constraints:
    source=r"[a-z0-9][a-z0-9_]*",
    real=r"[a-z0-9][a-z0-9_]*",
    generated=r"[a-z0-9][a-z0-9_]*",
    segmenter=r"[a-z0-9][a-z0-9_]*",
    generator=r"[a-z0-9][a-z0-9_]*",
    classifier=r"[a-z0-9][a-z0-9_]*",
    method=r"[a-z_]+",
    part=r"layer_\d+|tail|encoder|direct",
    shard=r"\d+-\d+",
    file="|".join(re.escape(entry["file"]) for entry in DOWNLOADS if not entry.get("unpack")),
    folder="|".join(re.escape(entry["file"].removesuffix(".zip")) for entry in DOWNLOADS if entry.get("unpack")),


def settings(section):
    """Canonical JSON of a stage's section: what reruns the stage when it changes, and not when its order does."""
    return canonical_json(CONFIG[section])


def download(wildcards):
    """Mirrors and hashes of a file to fetch."""
    return next(entry for entry in DOWNLOADS if entry["file"] == wildcards.file)


def unpacked_download(wildcards):
    """Mirrors and hashes of the zip file that a folder is unpacked from."""
    return next(entry for entry in DOWNLOADS if entry["file"] == f"{wildcards.folder}.zip")


def hash_flags(entry):
    """Words that tell fetch which hashes a file must have."""
    return " ".join(f"--{name} {entry[name]}" for name in ("sha256", "md5") if name in entry)


def first_index(wildcards):
    """First image of the shard."""
    return shard_from_name(wildcards.shard).first


def last_index(wildcards):
    """Last image of the shard."""
    return shard_from_name(wildcards.shard).last


def source_seed(wildcards):
    """Seed of a source: its own, or the root seed."""
    return CONFIG["sources"][wildcards.source].get("seed", CONFIG["seed"])


def world_settings(wildcards):
    """What of a world source decides how one scene looks; the count does not."""
    source = CONFIG["sources"][wildcards.source]
    return canonical_json({key: source[key] for key in ("size", "omit", "scale", "scenes", "palette")})


def source_generator(wildcards):
    """Name of the generator that a source samples."""
    return CONFIG["sources"][wildcards.source]["generator"]


def source_count(name):
    """Number of images of a source."""
    return CONFIG["sources"][name]["count"]


def source_path(name):
    """Folder, zip file or LMDB of a source; empty for image shards that the workflow makes."""
    source = CONFIG["sources"][name]
    return "" if source["kind"] in targets.SHARDED else source["path"]


def shard_listing(wildcards):
    """Digest of the user's files that the shard is made of (name, size, mtime); the shard has changed when it does."""
    held = HELD.get(wildcards.source)
    return held.digest(first_index(wildcards), last_index(wildcards)) if held else ""


def reading(wildcards):
    """Canonical JSON of how the images of a source are read; nothing for the world, whose size is that of its scenes."""
    source = CONFIG["sources"][wildcards.source]
    keys = () if source["kind"] == "world" else ("jpeg_quality", "size", "subset")
    return canonical_json({key: source[key] for key in keys if key in source})


def segment_settings(wildcards):
    """Canonical JSON of what segment is told of heads, common size, precision and source."""
    segment = {name: CONFIG["segment"].get(name) for name in ("heads", "size", "precision")}
    return canonical_json(segment | {"source": json.loads(reading(wildcards))})


def covering_shards(name, first, last):
    """Image shards of a source that hold images `first` to `last`; none for a folder."""
    if CONFIG["sources"][name]["kind"] not in targets.SHARDED:
        return []
    stage = targets.SHARDED[CONFIG["sources"][name]["kind"]]
    ranges = shards(source_count(name), CONFIG["shard_size"]["images"], first, last)
    return [f"results/{stage}/{name}/{shard.name}.h5" for shard in ranges]


def shard_images(wildcards):
    """Image shards that hold the images of the wildcard's shard, or the LMDB that fetch brings for it."""
    path = source_path(wildcards.source)
    if census.is_fetched(path) and CONFIG["sources"][wildcards.source]["kind"] == "lsun":
        return [f"{path}/{lsun.DATA}"]
    return covering_shards(wildcards.source, first_index(wildcards), last_index(wildcards))


def shard_images_flag(wildcards):
    """Words of `--images`: the image shards, or the user's folder, zip file or LMDB."""
    path = source_path(wildcards.source)
    return shlex.join([path] if path else shard_images(wildcards))


def segmenter_weights(wildcards):
    """Weights of the wildcard's segmenter: a file, or the folder of the published one."""
    return targets.segmenter_weights(CONFIG, wildcards.segmenter)


def segmenter_files(wildcards):
    """Files that the weights of the wildcard's segmenter are in."""
    family = CONFIG["segmenters"][wildcards.segmenter]["family"]
    return upp.weights_files(family, segmenter_weights(wildcards))


def table_settings(wildcards):
    """What a ready table says of itself: size, unit, dataset."""
    source = CONFIG["sources"][wildcards.source]
    return canonical_json({key: source[key] for key in ("size", "unit", "dataset") if key in source})


def table_labels(wildcards):
    """Where the classes of a ready table are listed: a file of its own, or the segmenter's weights."""
    return CONFIG["sources"][wildcards.source].get("labels") or segmenter_weights(wildcards)


def table_labels_files(wildcards):
    """The files of that list."""
    labels = CONFIG["sources"][wildcards.source].get("labels")
    return [labels] if labels else segmenter_files(wildcards)


def generator_settings(name):
    """Canonical JSON of what the configuration says of how a trained generator is used."""
    return canonical_json(targets.generator_settings(CONFIG, name))


def generator_code(name):
    """The Python file that a generator comes from, where it comes from one."""
    return targets.generator_settings(CONFIG, name).get("file", [])


def generator_weights(wildcards):
    """Weights of the wildcard's generator."""
    return targets.generator_weights(CONFIG, wildcards.generator)


def sampled_weights(wildcards):
    """Weights of the generator that the wildcard's source samples."""
    return targets.generator_files(CONFIG, source_generator(wildcards))


def trained_generator(wildcards):
    """The configuration's entry for the generator that the wildcard's network is, or is a part of."""
    return CONFIG["generators"][targets.generator_of_part(CONFIG, wildcards.generator)]


def trained_part(wildcards):
    """Settings of the network that is trained."""
    return targets.generator_parts(CONFIG, targets.generator_of_part(CONFIG, wildcards.generator))[wildcards.generator]


def inversion(wildcards):
    """The configuration's entry for the wildcard's generator and source."""
    return targets.inversion_entry(CONFIG, wildcards.generator, wildcards.source)


def inversion_segmenter(wildcards):
    """Name of the segmenter that goes with an inversion."""
    return targets.inversion_segmenter(CONFIG, inversion(wildcards))


def inversion_segmenter_weights(wildcards):
    """Weights of the segmenter that goes with an inversion."""
    return targets.segmenter_weights(CONFIG, inversion_segmenter(wildcards))


def inversion_segmenter_family(wildcards):
    """Family of the segmenter that goes with an inversion."""
    return CONFIG["segmenters"][inversion_segmenter(wildcards)]["family"]


def inversion_segmenter_files(wildcards):
    """Files that the weights of the segmenter of an inversion are in."""
    return upp.weights_files(inversion_segmenter_family(wildcards), inversion_segmenter_weights(wildcards))


def perceptual_files(wildcards):
    """Files that the weights of the perceptual network of an inversion are in."""
    return upp.weights_files(perceptual_family(wildcards), perceptual_weights(wildcards))


def perceptual_weights(wildcards):
    """Weights of the perceptual network of an inversion."""
    return targets.inversion_perceptual(CONFIG, inversion(wildcards))["checkpoint"]


def perceptual_family(wildcards):
    """Family of the perceptual network of an inversion."""
    return targets.inversion_perceptual(CONFIG, inversion(wildcards))["family"]


def control_table(wildcards):
    """Omissions of the generator's own samples, where these are inverted too: the noise floor."""
    source = targets.control_source(CONFIG, inversion(wildcards))
    return f"results/omissions/{wildcards.generator}/{source}.tsv" if is_photo(wildcards) and source else []


def is_photo(wildcards):
    """Whether the images of an inversion are others than the generator's own samples."""
    return CONFIG["sources"][wildcards.source].get("generator") != wildcards.generator


def inversion_shards(wildcards):
    """Inversions that omissions are looked for in."""
    entry = inversion(wildcards)
    return targets.inversion_shards(CONFIG, entry, targets.omission_method(entry))


def inversion_encoder(wildcards):
    """The trained part that a method starts from: none for `z`, the baseline for the direct ones."""
    path = targets.encoder_weights(CONFIG, wildcards.generator, wildcards.method)
    return [path] if path else []


def part_weights(wildcards):
    """Trained parts that a part of the encoder builds on: all layers and the tail for the composed one."""
    needed = targets.layer_parts(CONFIG) if wildcards.part == "encoder" else []
    return [f"results/train_encoder/{wildcards.generator}/{part}.safetensors" for part in needed]


def inverted_images(wildcards):
    """Image shards of the images that an inversion covers: where the true z of samples is."""
    return covering_shards(wildcards.source, 0, inversion(wildcards)["count"] - 1)


def conditional_pair(wildcards):
    """The configuration's entry for the wildcards' generated and real source."""
    return targets.conditional_entry(CONFIG, wildcards.generated, wildcards.real)


def pair_shards(wildcards, side):
    """Image shards of one side of a conditional evaluation: real, generated or training."""
    entry = conditional_pair(wildcards)
    return targets.image_shards(CONFIG, targets.training_source(CONFIG, entry) if side == "training" else entry[side])


def pair_count(wildcards, side):
    """Number of images of that side."""
    entry = conditional_pair(wildcards)
    return source_count(targets.training_source(CONFIG, entry) if side == "training" else entry[side])


def pair_classifier(wildcards):
    """The configuration's entry for the classifier of a conditional evaluation."""
    return CONFIG["classifiers"][conditional_pair(wildcards)["classifier"]]


def pair_generator(wildcards):
    """Name of the generator whose samples are evaluated; none where they come from elsewhere."""
    return CONFIG["sources"][wildcards.generated].get("generator")


def report_examples():
    """First image shard of every compared source: what the sheets show."""
    names = dict.fromkeys(entry[side] for entry in CONFIG["comparisons"] for side in ("real", "generated"))
    return [path for name in names for path in covering_shards(name, 0, 0)]


def training_logs():
    """Logs of the trainings whose curves the page shows."""
    stages = ("train_segmenter", "train_generator", "train_classifier", "train_encoder")
    trained = [path for stage in stages for path in STAGE_FILES[stage]]
    return [path.removesuffix(".safetensors") + ".tsv" for path in trained]
