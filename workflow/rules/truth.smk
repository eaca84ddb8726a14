# Scenes with their exact labels, and class areas of them and of what is compared with them in; true rates out.
rule truth_source:
    input:
        scenes=lambda wildcards: targets.image_shards(CONFIG, wildcards.real, "world"),
        tables=lambda wildcards: [
            path
            for name in [wildcards.real, *compared_with(wildcards)]
            for path in targets.table_shards(CONFIG, wildcards.segmenter, name)
        ],
    output:
        tsv="results/truth/{segmenter}/{real}.tsv",
        json="results/truth/{segmenter}/{real}.json",
    log:
        "results/logs/truth/{segmenter}/{real}.log",
    benchmark:
        "results/benchmarks/truth/{segmenter}/{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        scenes="results/render/{real}",
        tables=lambda wildcards: " ".join(
            targets.table_folder(CONFIG, wildcards.segmenter, name)
            for name in [wildcards.real, *compared_with(wildcards)]
        ),
        counts=lambda wildcards: " ".join(
            str(source_count(name)) for name in [wildcards.real, *compared_with(wildcards)]
        ),
        generated=lambda wildcards: " ".join(compared_with(wildcards)),
        shard_size=CONFIG.shard_size.images,
        settings=settings("fsd"),
        code=source_digest("lacuna.stages.truth"),
    shell:
        "python -m lacuna.stages.truth"
        " --scenes {params.scenes}"
        " --tables {params.tables}"
        " --counts {params.counts}"
        " --generated {params.generated}"
        " --shard-size {params.shard_size}"
        " --settings {params.settings:q}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --json {output.json}"
        " > {log} 2>&1"
