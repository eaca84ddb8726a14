# Scenes in, class areas of each of them without each of its objects out.
rule plant_shard:
    input:
        shard="results/render/{source}/{shard}.h5",
        weights=segmenter_files,
    output:
        table="results/plant/{segmenter}/{source}/{shard}.h5",
    log:
        "results/logs/plant/{segmenter}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/plant/{segmenter}/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        job=job("plant"),
    shell:
        "python -m lacuna.stages.plant --job {params.job:q} --threads {threads} --table {output.table} > {log} 2>&1"
