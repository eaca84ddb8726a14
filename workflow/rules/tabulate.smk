# A class-area table from elsewhere in, shards of it as segment writes them out.
rule tabulate_shard:
    input:
        source=lambda wildcards: CONFIG.sources[wildcards.source].path,
        labels=table_labels_files,
    output:
        table="results/tabulate/{segmenter}/{source}/{shard}.h5",
    log:
        "results/logs/tabulate/{segmenter}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/tabulate/{segmenter}/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        labels=table_labels,
        settings=table_settings,
        first=first_index,
        last=last_index,
        code=source_digest("lacuna.stages.tabulate"),
    shell:
        "python -m lacuna.stages.tabulate"
        " --source {input.source:q}"
        " --labels {params.labels:q}"
        " --settings {params.settings:q}"
        " --first {params.first}"
        " --last {params.last}"
        " --code {params.code}"
        " --table {output.table}"
        " > {log} 2>&1"
