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
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("tabulate"),
    shell:
        "python -m lacuna.stages.tabulate --job {params.job:q} --table {output.table} > {log} 2>&1"
