# Scenes in, class areas of each of them without each of its objects out.
rule plant_shard:
    input:
        shard="results/render/{source}/{shard}.h5",
        weights=segmenter_files,
    output:
        table="results/plant/{segmenter}/{source}/{shard}.h5",
    log:
        "results/logs/plant/{segmenter}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/plant/{segmenter}/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        checkpoint=segmenter_weights,
        family=lambda wildcards: CONFIG.segmenters[wildcards.segmenter].family,
        world=world_settings,
        seed=source_seed,
        objects=" ".join(CONFIG.calibrate.objects) or "all",
        size=CONFIG.segment.size or 0,
        precision=CONFIG.segment.precision,
        batch_size=CONFIG.segment.batch_size,
        code=source_digest("lacuna.stages.plant"),
    shell:
        "python -m lacuna.stages.plant"
        " --shard {input.shard}"
        " --world {params.world:q}"
        " --seed {params.seed}"
        " --objects {params.objects}"
        " --family {params.family}"
        " --checkpoint {params.checkpoint:q}"
        " --size {params.size}"
        " --precision {params.precision}"
        " --batch-size {params.batch_size}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --table {output.table}"
        " > {log} 2>&1"
