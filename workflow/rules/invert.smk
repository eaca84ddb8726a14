# Images, generator and encoder in, one inversion an image out.
rule invert_shard:
    input:
        shards=shard_images,
        checkpoint=generator_weights,
        generator_code=lambda wildcards: generator_code(wildcards.generator),
        encoder=inversion_encoder,
        perceptual=perceptual_files,
    output:
        shard="results/invert/{method}/{generator}/{source}/{shard}.h5",
    log:
        "results/logs/invert/{method}/{generator}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/invert/{method}/{generator}/{source}/{shard}.tsv"
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
        perceptual_family=perceptual_family,
        perceptual_checkpoint=perceptual_weights,
        images=shard_images_flag,
        source=reading,
        listing=shard_listing,
        encoder=lambda wildcards: (
            " ".join(["--encoder", *inversion_encoder(wildcards)]) if wildcards.method != "z" else ""
        ),
        settings=inversion_settings,
        first=first_index,
        last=last_index,
        seed=CONFIG.seed,
        state="results/invert/{method}/{generator}/{source}/{shard}.state.pt",
        code=network_code("invert", "generators"),
    shell:
        "python -m lacuna.stages.invert"
        " --method {wildcards.method}"
        " --family {params.family}"
        " --checkpoint {input.checkpoint:q}"
        " --generator-settings {params.generator_settings:q}"
        " {params.encoder}"
        " --perceptual-family {params.perceptual_family}"
        " --perceptual-checkpoint {params.perceptual_checkpoint:q}"
        " --images {params.images}"
        " --source {params.source:q}"
        " --first {params.first}"
        " --last {params.last}"
        " --settings {params.settings:q}"
        " --seed {params.seed}"
        " --device auto"
        " --threads {threads}"
        " --state {params.state}"
        " --code {params.code}"
        " --shard {output.shard}"
        " > {log} 2>&1"
