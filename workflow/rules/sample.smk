# Generator in, its images and their z out.
rule sample_shard:
    input:
        checkpoint=sampled_weights,
        generator_code=lambda wildcards: generator_code(source_generator(wildcards)),
    output:
        shard="results/sample/{source}/{shard}.h5",
    log:
        "results/logs/sample/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/sample/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        family=lambda wildcards: CONFIG.generators[source_generator(wildcards)].family,
        generator_settings=lambda wildcards: generator_settings(source_generator(wildcards)),
        batch_size=CONFIG.sample.batch_size,
        seed=source_seed,
        first=first_index,
        last=last_index,
        code=network_code("sample", "generators"),
    shell:
        "python -m lacuna.stages.sample"
        " --family {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --generator-settings {params.generator_settings:q}"
        " --batch-size {params.batch_size}"
        " --seed {params.seed}"
        " --first {params.first}"
        " --last {params.last}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --shard {output.shard}"
        " > {log} 2>&1"
