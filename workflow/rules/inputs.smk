# What rules wait for, by their wildcards; no rule.
def shard_images(wildcards):
    """Image shards that hold the images of the wildcard's shard, or the LMDB that fetch brings for it."""
    return images_of(wildcards.source, wildcards.shard)


def images_of(source, name):
    """Image shards that hold a source's images of a shard of this name, or the LMDB that fetch brings for it."""
    path, shard = CONFIG.sources[source].given().get("path"), shard_from_name(name)
    if CONFIG.sources[source].kind == "lsun" and census.is_fetched(path):
        return [f"{path}/{lmdb_file.DATA}"]
    return TOLD.covering_shards(source, shard.first, shard.last)


def agreement_images(wildcards):
    """Image shards of a source that two segmenters label."""
    told = TOLD.agreement_labels(**wildcards)
    return TOLD.covering_shards(wildcards.source, told["first"], told["last"])


def shard_listing(wildcards):
    """Digest of the user's files that the shard is made of (name, size, mtime); the shard has changed when it does."""
    name = CONFIG.sources[wildcards.source].redraws or wildcards.source
    held, shard = HELD.get(name), shard_from_name(wildcards.shard)
    return held.digest(shard.first, shard.last) if held else ""


def table_labels_files(wildcards):
    """Where the classes of a ready table are listed: a file of its own, or the segmenter's weights."""
    labels = CONFIG.sources[wildcards.source].labels
    return [labels] if labels else segmenter_files(wildcards)


def segmenter_files(wildcards):
    """Files that the weights of the wildcard's segmenter are in."""
    return files_of_segmenter(wildcards.segmenter)


def files_of_segmenter(name):
    """Files that the weights of a segmenter are in, and the file that lists its classes, where there is one."""
    network = entries.segmenter_network(CONFIG, name)
    labels = network["settings"].get("labels")
    files = families.files("segmenters", network["family"], network["checkpoint"])
    return [*files, *([labels] if isinstance(labels, str) else [])]


def files_of_generator(name):
    """Weights of a generator, and what else its samples come from: a Python file, a file of prompts."""
    entry = CONFIG.generators[name]
    beside = [entry.usage().get(key) for key in ("file", "prompts")]
    weights = networks.generator_files(CONFIG, name)
    return [
        *(
            path
            for given in weights
            for path in fetched_below(given) or families.files("generators", entry.family, given)
        ),
        *(path for path in beside if isinstance(path, str)),
    ]


def fetched_below(folder):
    """Files that fetch brings to a folder, which may not be there yet."""
    made = {published.result(entry) for entry in DOWNLOADS}
    return sorted(path for path in made if path.startswith(f"{folder}/"))


def generator_files(wildcards):
    """Weights of the wildcard's generator, and its code."""
    return files_of_generator(wildcards.generator)


def sampled_files(wildcards):
    """Weights of the generator that the wildcard's source samples, its code, and image shards that it draws again."""
    source = CONFIG.sources[wildcards.source]
    redrawn = images_of(source.redraws, wildcards.shard) if source.redraws else []
    return [*files_of_generator(source.drawn_by), *redrawn]


def training_images(wildcards):
    """Image shards that the wildcard's generator, or the generator that it is a part of, learns from."""
    name = networks.generator_of_part(CONFIG, wildcards.generator)
    return targets.image_shards(CONFIG, CONFIG.generators[name].trained_on)


def training_perceptual_files(wildcards):
    """Files that the weights of the perceptual network of an autoencoder's training are in."""
    name = CONFIG.generators[wildcards.generator].compared_by
    return (
        families.files("perceptual", CONFIG.perceptual[name].family, CONFIG.perceptual[name].checkpoint) if name else []
    )


def part_weights(wildcards):
    """Trained parts that a part of the encoder builds on: all layers and the tail for the composed one."""
    needed = networks.layer_parts(CONFIG) if wildcards.part == "encoder" else []
    return [f"results/train_encoder/{wildcards.generator}/{part}.safetensors" for part in needed]


def sides(*names):
    """Function of the wildcards that gives the tables of the sources which they name, under their segmenter."""
    return lambda wildcards: [
        path for name in names for path in targets.table_shards(CONFIG, wildcards.segmenter, getattr(wildcards, name))
    ]


def paired_prompts(wildcards):
    """File of captions that the wildcard's samples are drawn from; none where the configuration lists the prompts."""
    prompts = CONFIG.generators[CONFIG.sources[wildcards.generated].drawn_by].usage()["prompts"]
    return prompts if isinstance(prompts, str) else []


def region_shards(wildcards):
    """What segment kept of the regions of both of the wildcards' sources."""
    tables = sides("real", "generated")(wildcards)
    return [path.removesuffix(".h5") + ".regions.h5" for path in tables]


def true_tables(wildcards):
    """Tables of the wildcard's real source, and of what it is compared with."""
    names = [wildcards.real, *targets.compared_with(CONFIG, wildcards.segmenter, wildcards.real)]
    return [path for name in names for path in targets.table_shards(CONFIG, wildcards.segmenter, name)]


def followed_files(wildcards):
    """Moments of the real source that the wildcard's generator is followed towards, and the segmenter's weights."""
    entry = targets.followed(CONFIG)[wildcards.generator]
    return [f"results/moments/{entry.segmenter}/{entry.real}.h5", *files_of_segmenter(entry.segmenter)]


def inversion(wildcards):
    """The configuration's entry for the wildcard's generator and source."""
    return entries.inversion_entry(CONFIG, wildcards.generator, wildcards.source)


def inversions_of(wildcards):
    """Inversions by all methods."""
    entry = inversion(wildcards)
    return [path for method in entry.methods for path in targets.inversion_shards(CONFIG, entry, method)]


def inversions_looked_at(wildcards):
    """Inversions that omissions are looked for in."""
    entry = inversion(wildcards)
    return targets.inversion_shards(CONFIG, entry, entries.omission_method(CONFIG, entry))


def inversion_encoder(wildcards):
    """The trained part that a method starts from: none for `z`, the baseline for the direct ones."""
    return networks.encoder_weights(CONFIG, wildcards.generator, wildcards.method) or []


def inverted_images(wildcards):
    """Image shards of the images that an inversion covers: where the true z of samples is."""
    return TOLD.covering_shards(wildcards.source, 0, inversion(wildcards).count - 1)


def perceptual_files(wildcards):
    """Files that the weights of the perceptual network of an inversion are in."""
    network = entries.inversion_perceptual(CONFIG, inversion(wildcards))
    return families.files("perceptual", network["family"], network["checkpoint"])


def inversion_segmenter_files(wildcards):
    """Files that the weights of the segmenter of an inversion are in."""
    return files_of_segmenter(inversion(wildcards).segmenter)


def control_table(wildcards):
    """Omissions of the generator's own samples, where these are inverted too: the noise floor."""
    return entries.control_table(CONFIG, inversion(wildcards)) or []


def pair_shards(side):
    """Function of the wildcards that gives the image shards of a side of an evaluation by class."""

    def found(wildcards):
        entry = entries.conditional_entry(CONFIG, wildcards.generated, wildcards.real)
        name = entries.training_source(CONFIG, entry) if side == "training" else getattr(entry, side)
        return targets.image_shards(CONFIG, name)

    return found


def pair_classifier(wildcards):
    """Weights of the classifier of an evaluation by class."""
    entry = entries.conditional_entry(CONFIG, wildcards.generated, wildcards.real)
    return networks.classifier_weights(CONFIG, entry.classifier)


def pair_generator_files(wildcards):
    """Weights of the generator whose samples are evaluated; none where it cannot be asked for more."""
    name = networks.layered_generator(CONFIG, wildcards.generated)
    return networks.generator_files(CONFIG, name) if name else []


def download(wildcards):
    """Mirrors and hashes of a file to fetch, or of the zip file that a folder is unpacked from."""
    name = getattr(wildcards, "file", None) or f"{wildcards.folder}.zip"
    return next(entry for entry in DOWNLOADS if entry["file"] == name)


def hashes(wildcards):
    """What decides whether a file is the right one."""
    return {key: value for key, value in download(wildcards).items() if key in ("sha256", "md5")}


def fetched(wildcards):
    """What fetch is told, as JSON."""
    entry = download(wildcards)
    unpacked = {"unpacked": published.result(entry)} if entry.get("unpack") else {}
    told = {"urls": entry["urls"], **hashes(wildcards), "file": f"resources/{entry['file']}", **unpacked}
    return canonical_json(placed(told | {"code": source_digest("lacuna.stages.fetch")}, WHERE))


def page_templates():
    """What lays the page out."""
    room = own.PACKAGE / "report"
    return sorted(str(path) for path in room.rglob("*") if path.suffix in (".html", ".css", ".js"))
