# What rules are told of segmenters and generators.
def segmenter_weights(wildcards):
    """Weights of the wildcard's segmenter: a file, or the folder of the published one."""
    return networks.segmenter_weights(CONFIG, wildcards.segmenter)


def segmenter_files(wildcards):
    """Files that the weights of the wildcard's segmenter are in."""
    family = CONFIG.segmenters[wildcards.segmenter].family
    return upp.weights_files(family, segmenter_weights(wildcards))


def segment_settings(wildcards):
    """Canonical JSON of what segment is told of heads, common size, precision and source."""
    return canonical_json(targets.segment_settings(CONFIG, wildcards.source))


def generator_settings(name):
    """Canonical JSON of what the configuration says of how a trained generator is used."""
    return canonical_json(CONFIG.generators[name].usage())


def generator_code(name):
    """The Python file that a generator comes from, where it comes from one."""
    return CONFIG.generators[name].usage().get("file", [])


def generator_weights(wildcards):
    """Weights of the wildcard's generator."""
    return networks.generator_weights(CONFIG, wildcards.generator)


def sampled_weights(wildcards):
    """Weights of the generator that the wildcard's source samples."""
    return networks.generator_files(CONFIG, source_generator(wildcards))


def trained_generator(wildcards):
    """The configuration's entry for the generator that the wildcard's network is, or is a part of."""
    return CONFIG.generators[networks.generator_of_part(CONFIG, wildcards.generator)]


def trained_part(wildcards):
    """Settings of the network that is trained."""
    return networks.generator_parts(CONFIG, networks.generator_of_part(CONFIG, wildcards.generator))[
        wildcards.generator
    ]


def network_code(stage, kind):
    """Digest of a stage's code, with that of the one family which the wildcards' network of a kind is of."""

    def digest(wildcards):
        name = getattr(wildcards, kind.removesuffix("s"), None) or source_generator(wildcards)
        if name not in getattr(CONFIG, kind):
            name = networks.generator_of_part(CONFIG, name)
        return source_digest(f"lacuna.stages.{stage}", **{kind: getattr(CONFIG, kind)[name].family})

    return digest


def part_weights(wildcards):
    """Trained parts that a part of the encoder builds on: all layers and the tail for the composed one."""
    needed = networks.layer_parts(CONFIG) if wildcards.part == "encoder" else []
    return [f"results/train_encoder/{wildcards.generator}/{part}.safetensors" for part in needed]
