# Moments and tables of two sources in, their distance and a verdict a class out.
rule fsd_pair:
    input:
        real_moments="results/moments/{segmenter}/{real}.h5",
        generated_moments="results/moments/{segmenter}/{generated}.h5",
        real_tables=lambda wildcards: targets.table_shards(CONFIG, wildcards.segmenter, wildcards.real),
        generated_tables=lambda wildcards: targets.table_shards(CONFIG, wildcards.segmenter, wildcards.generated),
    output:
        json=report(
            "results/fsd/{segmenter}/{real}~{generated}.json",
            caption="../captions/fsd.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "distance"},
        ),
        tsv=report(
            "results/fsd/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/fsd.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "classes"},
        ),
    log:
        "results/logs/fsd/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/fsd/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        settings=comparison_settings,
        real_folder=lambda wildcards: targets.table_folder(CONFIG, wildcards.segmenter, wildcards.real),
        generated_folder=lambda wildcards: targets.table_folder(CONFIG, wildcards.segmenter, wildcards.generated),
        real_count=lambda wildcards: source_count(wildcards.real),
        generated_count=lambda wildcards: source_count(wildcards.generated),
        real_manifest=lambda wildcards: manifest_flag("real", wildcards.real),
        generated_manifest=lambda wildcards: manifest_flag("generated", wildcards.generated),
        shard_size=CONFIG.shard_size.images,
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.fsd"),
    shell:
        "python -m lacuna.stages.fsd"
        " --real-moments {input.real_moments}"
        " --generated-moments {input.generated_moments}"
        " --real-tables {params.real_folder}"
        " --real-count {params.real_count}"
        " --generated-tables {params.generated_folder}"
        " --generated-count {params.generated_count}"
        " {params.real_manifest}"
        " {params.generated_manifest}"
        " --shard-size {params.shard_size}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --code {params.code}"
        " --json {output.json}"
        " --tsv {output.tsv}"
        " > {log} 2>&1"
