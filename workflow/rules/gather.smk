# A folder with a subfolder for each class in, image shards with labels out.
rule gather_shard:
    output:
        shard="results/gather/{source}/{shard}.h5",
    log:
        "results/logs/gather/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/gather/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        job=job("gather"),
        listing=shard_listing,
    shell:
        "python -m lacuna.stages.gather --job {params.job:q} --shard {output.shard} > {log} 2>&1"
