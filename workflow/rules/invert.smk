# Images, generator and encoder in, one inversion per image out.
rule invert_shard:
    input:
        images=shard_images,
        generator=generator_files,
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
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=job("invert"),
        listing=shard_listing,
    shell:
        "python -m lacuna.stages.invert --job {params.job:q} --threads {threads} --shard {output.shard} > {log} 2>&1"
