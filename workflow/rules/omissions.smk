# Photos and their reconstructions in, what was lost of each class out.
rule omissions_source:
    input:
        inversions=inversion_shards,
        weights=inversion_segmenter_files,
        control=control_table,
    output:
        tsv="results/omissions/{generator}/{source}.tsv",
        classes=report(
            "results/omissions/{generator}/{source}.classes.tsv",
            caption="../captions/omissions.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "classes lost"},
        ),
        masks="results/omissions/{generator}/{source}.h5",
        gallery=report(
            directory("results/omissions/{generator}/{source}"),
            patterns=["{name}.png"],
            caption="../captions/omissions.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "{name}"},
        ),
    log:
        "results/logs/omissions/{generator}/{source}.log",
    benchmark:
        "results/benchmarks/omissions/{generator}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        confidence=CONFIG.fsd.confidence,
        checkpoint=inversion_segmenter_weights,
        folder=lambda wildcards: str(Path(inversion_shards(wildcards)[0]).parent),
        num_images=lambda wildcards: inversion(wildcards).count,
        shard_size=CONFIG.shard_size.inversions,
        family=inversion_segmenter_family,
        control=lambda wildcards: f"--control {control_table(wildcards)}" if control_table(wildcards) else "",
        shown_percent=CONFIG.fsd.presence_percent,
        settings=settings("omissions"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.omissions"),
    shell:
        "python -m lacuna.stages.omissions"
        " --inversions {params.folder}"
        " --count {params.num_images}"
        " --shard-size {params.shard_size}"
        " --segmenter-family {params.family}"
        " --segmenter-checkpoint {params.checkpoint:q}"
        " --shown-percent {params.shown_percent}"
        " --settings {params.settings:q}"
        " --confidence {params.confidence}"
        " --seed {params.seed}"
        " {params.control}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --classes {output.classes}"
        " --masks {output.masks}"
        " --gallery {output.gallery}"
        " > {log} 2>&1"
