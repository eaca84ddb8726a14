# What rules are told of sources and shards.
def first_index(wildcards):
    """First image of the shard."""
    return shard_from_name(wildcards.shard).first


def last_index(wildcards):
    """Last image of the shard."""
    return shard_from_name(wildcards.shard).last


def source_seed(wildcards):
    """Seed of a source: its own, or the root seed."""
    return CONFIG.sources[wildcards.source].given().get("seed", CONFIG.seed)


def source_count(name):
    """Number of images of a source."""
    return CONFIG.sources[name].count


def source_path(name):
    """What a user has of a source; empty for image shards that the workflow makes."""
    source = CONFIG.sources[name]
    return "" if source.kind in targets.SHARDED else source.path


def source_generator(wildcards):
    """Name of the generator that a source samples."""
    return CONFIG.sources[wildcards.source].generator


def world_settings(wildcards):
    """What of a world source decides how one scene looks; the count does not."""
    looks = {"size", "omit", "scale", "scenes", "palette"}
    return canonical_json(CONFIG.sources[wildcards.source].model_dump(include=looks))


def reading(wildcards):
    """Canonical JSON of how the images of a source are read; the `size` of a world source is that of its scenes."""
    return canonical_json(CONFIG.sources[wildcards.source].reading)


def shard_listing(wildcards):
    """Digest of the user's files that the shard is made of (name, size, mtime); the shard has changed when it does."""
    held = HELD.get(wildcards.source)
    return held.digest(first_index(wildcards), last_index(wildcards)) if held else ""


def shard_plan(wildcards):
    """Words that hold a job to the user's files that it was planned with; none for files that fetch has yet to bring."""
    held = HELD.get(wildcards.source)
    if not held:
        return []
    plan = held.plan(first_index(wildcards), last_index(wildcards))
    return ["--manifest", manifest(wildcards.source), "--planned", plan]


def manifest(name):
    """What the main process saw of a user's source."""
    return census.manifest_path(MANIFESTS, name).as_posix()


def manifest_flag(side, name):
    """Words that tell a stage of the manifest of one side; none for images that the workflow makes."""
    return shlex.join([f"--{side}-manifest", manifest(name)] if name in HELD else [])


def covering_shards(name, first, last):
    """Image shards of a source that hold images `first` to `last`; none for a folder."""
    if CONFIG.sources[name].kind not in targets.SHARDED:
        return []
    stage = targets.SHARDED[CONFIG.sources[name].kind]
    ranges = shards(source_count(name), CONFIG.shard_size.images, first, last)
    return [f"results/{stage}/{name}/{shard.name}.h5" for shard in ranges]


def shard_images(wildcards):
    """Image shards that hold the images of the wildcard's shard, or the LMDB that fetch brings for it."""
    path = source_path(wildcards.source)
    if census.is_fetched(path) and CONFIG.sources[wildcards.source].kind == "lsun":
        return [f"{path}/{lmdb_file.DATA}"]
    return covering_shards(wildcards.source, first_index(wildcards), last_index(wildcards))


def shard_images_flag(wildcards):
    """Words of `--images`: the image shards, or the user's path."""
    path = source_path(wildcards.source)
    words = [path, *shard_plan(wildcards)] if path else shard_images(wildcards)
    return shlex.join(words)


def table_settings(wildcards):
    """What a ready table says of itself: size, unit, dataset."""
    source = CONFIG.sources[wildcards.source]
    return canonical_json({key: source[key] for key in ("size", "unit", "dataset") if key in source})


def table_labels(wildcards):
    """Where the classes of a ready table are listed: a file of its own, or the segmenter's weights."""
    return CONFIG.sources[wildcards.source].labels or segmenter_weights(wildcards)


def table_labels_files(wildcards):
    """The files of that list."""
    labels = CONFIG.sources[wildcards.source].labels
    return [labels] if labels else segmenter_files(wildcards)
