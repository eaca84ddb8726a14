# Settings in, scenes of the procedural world and their exact label maps out.
rule render_shard:
    output:
        shard="results/render/{source}/{shard}.h5",
    log:
        "results/logs/render/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/render/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        job=job("render"),
    shell:
        "python -m lacuna.stages.render --job {params.job:q} --shard {output.shard} > {log} 2>&1"
