# Class-area tables and labels of two sources in, distance and a verdict an object within each class out.
rule fsd_by_class_pair:
    input:
        real_tables=lambda wildcards: targets.table_shards(CONFIG, wildcards.segmenter, wildcards.real),
        generated_tables=lambda wildcards: targets.table_shards(CONFIG, wildcards.segmenter, wildcards.generated),
        real=lambda wildcards: targets.image_shards(CONFIG, wildcards.real),
        generated=lambda wildcards: targets.image_shards(CONFIG, wildcards.generated),
    output:
        tsv=report(
            "results/fsd_by_class/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "distance within each class"},
        ),
        json="results/fsd_by_class/{segmenter}/{real}~{generated}.json",
    log:
        "results/logs/fsd_by_class/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/fsd_by_class/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        real_tables=lambda wildcards: targets.table_folder(CONFIG, wildcards.segmenter, wildcards.real),
        real_images=lambda wildcards: names_argument(targets.image_shards(CONFIG, wildcards.real)),
        generated_tables=lambda wildcards: targets.table_folder(CONFIG, wildcards.segmenter, wildcards.generated),
        generated_images=lambda wildcards: names_argument(targets.image_shards(CONFIG, wildcards.generated)),
        real_count=lambda wildcards: source_count(wildcards.real),
        generated_count=lambda wildcards: source_count(wildcards.generated),
        shard_size=CONFIG.shard_size.images,
        settings=settings("fsd"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.fsd_by_class"),
    shell:
        "python -m lacuna.stages.fsd_by_class"
        " --real-tables {params.real_tables}"
        " --real-images {params.real_images}"
        " --real-count {params.real_count}"
        " --generated-tables {params.generated_tables}"
        " --generated-images {params.generated_images}"
        " --generated-count {params.generated_count}"
        " --shard-size {params.shard_size}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --json {output.json}"
        " > {log} 2>&1"
