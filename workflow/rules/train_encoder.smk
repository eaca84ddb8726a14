# Generator in, one part of its inversion encoder out.
rule train_encoder_part:
    input:
        checkpoint=generator_weights,
        generator_code=lambda wildcards: generator_code(wildcards.generator),
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
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        family=lambda wildcards: CONFIG.generators[wildcards.generator].family,
        generator_settings=lambda wildcards: generator_settings(wildcards.generator),
        parts="results/train_encoder/{generator}",
        settings=settings("train_encoder"),
        seed=CONFIG.seed,
        state="results/train_encoder/{generator}/{part}.state.pt",
        code=network_code("train_encoder", "generators"),
    shell:
        "python -m lacuna.stages.train_encoder"
        " --part {wildcards.part}"
        " --family {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --generator-settings {params.generator_settings:q}"
        " --parts-dir {params.parts}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --state {params.state}"
        " --code {params.code}"
        " --weights {output.weights}"
        " --log {output.log}"
        " > {log} 2>&1"
