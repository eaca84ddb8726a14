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
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        settings=world_settings,
        seed=source_seed,
        first=first_index,
        last=last_index,
        code=source_digest("lacuna.stages.render"),
    shell:
        "python -m lacuna.stages.render"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --first {params.first}"
        " --last {params.last}"
        " --code {params.code}"
        " --shard {output.shard}"
        " > {log} 2>&1"
