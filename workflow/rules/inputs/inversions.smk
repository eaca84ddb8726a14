# What rules are told of inversions.
def inversion(wildcards):
    """The configuration's entry for the wildcard's generator and source."""
    return entries.inversion_entry(CONFIG, wildcards.generator, wildcards.source)


def inversion_shards(wildcards):
    """Inversions that omissions are looked for in."""
    entry = inversion(wildcards)
    return targets.inversion_shards(CONFIG, entry, entries.omission_method(entry))


def inversion_encoder(wildcards):
    """The trained part that a method starts from: none for `z`, the baseline for the direct ones."""
    path = networks.encoder_weights(CONFIG, wildcards.generator, wildcards.method)
    return [path] if path else []


def inverted_images(wildcards):
    """Image shards of the images that an inversion covers: where the true z of samples is."""
    return covering_shards(wildcards.source, 0, inversion(wildcards).count - 1)


def is_photo(wildcards):
    """Whether the images of an inversion are others than the generator's own samples."""
    return CONFIG.sources[wildcards.source].drawn_by != wildcards.generator


def control_table(wildcards):
    """Omissions of the generator's own samples, where these are inverted too: the noise floor."""
    source = entries.control_source(CONFIG, inversion(wildcards))
    return f"results/omissions/{wildcards.generator}/{source}.tsv" if is_photo(wildcards) and source else []


def inversion_segmenter(wildcards):
    """Name of the segmenter that goes with an inversion."""
    return entries.inversion_segmenter(CONFIG, inversion(wildcards))


def inversion_segmenter_family(wildcards):
    """Family of the segmenter that goes with an inversion."""
    return CONFIG.segmenters[inversion_segmenter(wildcards)].family


def inversion_segmenter_weights(wildcards):
    """Weights of the segmenter that goes with an inversion."""
    return networks.segmenter_weights(CONFIG, inversion_segmenter(wildcards))


def inversion_segmenter_files(wildcards):
    """Files that the weights of the segmenter of an inversion are in."""
    return upp.weights_files(inversion_segmenter_family(wildcards), inversion_segmenter_weights(wildcards))


def perceptual_family(wildcards):
    """Family of the perceptual network of an inversion."""
    return entries.inversion_perceptual(CONFIG, inversion(wildcards))["family"]


def perceptual_weights(wildcards):
    """Weights of the perceptual network of an inversion."""
    return entries.inversion_perceptual(CONFIG, inversion(wildcards))["checkpoint"]


def perceptual_files(wildcards):
    """Files that the weights of the perceptual network of an inversion are in."""
    return upp.weights_files(perceptual_family(wildcards), perceptual_weights(wildcards))


def inversion_settings(wildcards):
    """Canonical JSON of how the wildcards' inversion is searched for, its own settings or the section's."""
    found = inversion(wildcards).invert or CONFIG.invert
    return canonical_json(found.given() | {"layer": CONFIG.train_encoder.layer})
