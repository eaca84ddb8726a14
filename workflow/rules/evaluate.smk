# Inversions in, how well each method inverts out.
rule evaluate_source:
    input:
        inversions=lambda wildcards: [
            path
            for method in inversion(wildcards).methods
            for path in targets.inversion_shards(CONFIG, inversion(wildcards), method)
        ],
        shards=inverted_images,
        checkpoint=generator_weights,
        generator_code=lambda wildcards: generator_code(wildcards.generator),
        perceptual=perceptual_files,
        segmenter=inversion_segmenter_files,
    output:
        tsv=report(
            "results/evaluate/{generator}/{source}.tsv",
            caption="../captions/evaluate.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "accuracy"},
        ),
        figure=report(
            "results/evaluate/{generator}/{source}.svg",
            caption="../captions/evaluate.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "methods"},
        ),
    log:
        "results/logs/evaluate/{generator}/{source}.log",
    benchmark:
        "results/benchmarks/evaluate/{generator}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        images=lambda wildcards: names_argument(inverted_images(wildcards)),
        confidence=CONFIG.fsd.confidence,
        methods=lambda wildcards: inversion(wildcards).methods,
        family=lambda wildcards: CONFIG.generators[wildcards.generator].family,
        generator_settings=lambda wildcards: generator_settings(wildcards.generator),
        perceptual_family=perceptual_family,
        perceptual_checkpoint=perceptual_weights,
        segmenter_family=inversion_segmenter_family,
        segmenter_checkpoint=inversion_segmenter_weights,
        num_images=lambda wildcards: inversion(wildcards).count,
        shard_size=CONFIG.shard_size.inversions,
        settings=settings("invert"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.evaluate"),
    shell:
        "python -m lacuna.stages.evaluate"
        " --inversions results/invert"
        " --methods {params.methods}"
        " --generator {wildcards.generator}"
        " --source {wildcards.source}"
        " --count {params.num_images}"
        " --shard-size {params.shard_size}"
        " --family {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --generator-settings {params.generator_settings:q}"
        " --perceptual-family {params.perceptual_family}"
        " --perceptual-checkpoint {params.perceptual_checkpoint:q}"
        " --segmenter-family {params.segmenter_family}"
        " --segmenter-checkpoint {params.segmenter_checkpoint:q}"
        " --images {params.images}"
        " --confidence {params.confidence}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --figure {output.figure}"
        " --tsv {output.tsv}"
        " > {log} 2>&1"
