# Snapshots of a training in, their distance to real images out.
rule follow_generator:
    input:
        weights="results/train_generator/{generator}.safetensors",
        card="results/train_generator/{generator}.md",
        snapshots="results/train_generator/{generator}_sheets",
        towards=followed_files,
    output:
        tsv="results/follow/{generator}.tsv",
        with_curve="results/follow/{generator}.md",
    log:
        "results/logs/follow/{generator}.log",
    benchmark:
        "results/benchmarks/follow/{generator}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("follow"),
    shell:
        "python -m lacuna.stages.follow --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --with-curve {output.with_curve} > {log} 2>&1"
