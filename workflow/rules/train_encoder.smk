# Generator in, one part of its inversion encoder out.
rule train_encoder_part:
    input:
        generator=generator_files,
        parts=part_weights,
    output:
        weights="results/train_encoder/{generator}/{part}.safetensors",
        log="results/train_encoder/{generator}/{part}.tsv",
    log:
        "results/logs/train_encoder/{generator}/{part}.log",
    benchmark:
        "results/benchmarks/train_encoder/{generator}/{part}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("train_encoder"),
    shell:
        "python -m lacuna.stages.train_encoder --job {params.job:q} --threads {threads}"
        " --weights {output.weights} --log {output.log} > {log} 2>&1"
