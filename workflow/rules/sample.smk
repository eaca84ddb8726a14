# Generator in, its images and their z out.
rule sample_shard:
    input:
        sampled_files,
    output:
        shard="results/sample/{source}/{shard}.h5",
    log:
        "results/logs/sample/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/sample/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("sample"),
        listing=shard_listing,
    shell:
        "python -m lacuna.stages.sample --job {params.job:q} --threads {threads} --shard {output.shard} > {log} 2>&1"
