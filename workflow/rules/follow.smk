# Snapshots of a training in, their distance to real images out.
rule follow_generator:
    input:
        weights="results/train_generator/{generator}.safetensors",
        card="results/train_generator/{generator}.md",
        snapshots="results/train_generator/{generator}_sheets",
        moments=lambda wildcards: "results/moments/{segmenter}/{real}.h5".format(**followed_in(wildcards).given()),
        segmenter=lambda wildcards: upp.weights_files(*followed_segmenter(wildcards)),
    output:
        tsv="results/follow/{generator}.tsv",
        card="results/follow/{generator}.md",
    log:
        "results/logs/follow/{generator}.log",
    benchmark:
        "results/benchmarks/follow/{generator}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        family=lambda wildcards: CONFIG.generators[wildcards.generator].family,
        generator_settings=lambda wildcards: generator_settings(wildcards.generator),
        segmenter_family=lambda wildcards: followed_segmenter(wildcards)[0],
        segmenter=lambda wildcards: followed_segmenter(wildcards)[1],
        settings=followed_settings,
        category=CONFIG.fsd.category,
        num_images=CONFIG.follow.count,
        batch_size=CONFIG.segment.batch_size,
        seed=followed_seed,
        code=source_digest("lacuna.stages.follow"),
    shell:
        "python -m lacuna.stages.follow"
        " --family {params.family}"
        " --snapshots {input.snapshots}"
        " --generator-settings {params.generator_settings:q}"
        " --moments {input.moments}"
        " --segmenter-family {params.segmenter_family}"
        " --segmenter {params.segmenter:q}"
        " --settings {params.settings:q}"
        " --category {params.category}"
        " --count {params.num_images}"
        " --batch-size {params.batch_size}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --card {input.card}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --with-curve {output.card}"
        " > {log} 2>&1"
