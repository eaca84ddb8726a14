# What rules are told of the evaluation of a conditional generator.
def conditional_pair(wildcards):
    """The configuration's entry for the wildcards' generated and real source."""
    return entries.conditional_entry(CONFIG, wildcards.generated, wildcards.real)


def pair_shards(wildcards, side):
    """Image shards of one side of a conditional evaluation: real, generated or training."""
    entry = conditional_pair(wildcards)
    return targets.image_shards(
        CONFIG, entries.training_source(CONFIG, entry) if side == "training" else getattr(entry, side)
    )


def pair_shards_flag(wildcards, side):
    """Words of `--<side>-images`: the file that lists them."""
    return names_argument(pair_shards(wildcards, side))


def pair_count(wildcards, side):
    """Number of images of that side."""
    entry = conditional_pair(wildcards)
    return source_count(entries.training_source(CONFIG, entry) if side == "training" else getattr(entry, side))


def pair_classifier(wildcards):
    """The configuration's entry for the classifier of a conditional evaluation."""
    return CONFIG.classifiers[conditional_pair(wildcards).classifier]


def pair_generator(wildcards):
    """Name of the generator whose samples are evaluated; none where they come from elsewhere."""
    return CONFIG.sources[wildcards.generated].drawn_by
