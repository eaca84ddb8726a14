# What truth and follow are told of the comparisons that they belong to.
def compared_with(wildcards):
    """Generated sources that the wildcard's real source is compared with, by the wildcard's segmenter."""
    return targets.compared_with(CONFIG, wildcards.segmenter, wildcards.real)


def followed_in(wildcards):
    """The comparison that the wildcard's generator is followed by while it is trained."""
    return targets.followed(CONFIG)[wildcards.generator]


def followed_segmenter(wildcards):
    """Family and weights of that comparison's segmenter."""
    name = followed_in(wildcards).segmenter
    return CONFIG.segmenters[name].family, networks.segmenter_weights(CONFIG, name)


def followed_settings(wildcards):
    """Canonical JSON of how samples reach the segmenter: as those of the comparison do."""
    return canonical_json(targets.segment_settings(CONFIG, followed_in(wildcards).generated))


def followed_seed(wildcards):
    """Seed of the latent vectors: that of the comparison's generated source."""
    return CONFIG.sources[followed_in(wildcards).generated].given().get("seed", CONFIG.seed)


def comparison_settings(wildcards):
    """Canonical JSON of what the wildcards' comparison goes by, its own settings or the section's."""
    pair = (wildcards.segmenter, wildcards.real, wildcards.generated)
    entry = next(one for one in CONFIG.comparisons if (one.segmenter, one.real, one.generated) == pair)
    return canonical_json((entry.fsd or CONFIG.fsd).given())
