# What the report is told.
def report_examples():
    """First image shard of every compared source: what the sheets show."""
    names = dict.fromkeys(getattr(entry, side) for entry in CONFIG.comparisons for side in ("real", "generated"))
    return [path for name in names for path in covering_shards(name, 0, 0)]


def given_curves():
    """Distances along the trainings of given checkpoints."""
    return [entry.curve for entry in CONFIG.generators.values() if entry.curve]


def training_logs():
    """Logs of the trainings whose curves the page shows."""
    stages = ("train_segmenter", "train_generator", "train_classifier", "train_encoder")
    trained = [path for stage in stages for path in STAGE_FILES[stage]]
    return [path.removesuffix(".safetensors") + ".tsv" for path in trained]
