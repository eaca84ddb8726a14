# Class-area tables of one source in, count, mean and covariance out.
rule moments_source:
    input:
        lambda wildcards: targets.table_shards(CONFIG, wildcards.segmenter, wildcards.source),
    output:
        moments="results/moments/{segmenter}/{source}.h5",
    log:
        "results/logs/moments/{segmenter}/{source}.log",
    benchmark:
        "results/benchmarks/moments/{segmenter}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        tables=lambda wildcards: targets.table_folder(CONFIG, wildcards.segmenter, wildcards.source),
        num_images=lambda wildcards: source_count(wildcards.source),
        shard_size=CONFIG.shard_size.images,
        code=source_digest("lacuna.stages.moments"),
    shell:
        "python -m lacuna.stages.moments"
        " --tables {params.tables}"
        " --count {params.num_images}"
        " --shard-size {params.shard_size}"
        " --code {params.code}"
        " --moments {output.moments}"
        " > {log} 2>&1"
