# Images in, class-area table out.
rule segment_shard:
    input:
        shards=shard_images,
        weights=segmenter_files,
    output:
        table="results/segment/{segmenter}/{source}/{shard}.h5",
    log:
        "results/logs/segment/{segmenter}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/segment/{segmenter}/{source}/{shard}.tsv"
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
        images=shard_images_flag,
        listing=shard_listing,
        settings=segment_settings,
        batch_size=CONFIG.segment.batch_size,
        first=first_index,
        last=last_index,
        code=network_code("segment", "segmenters"),
    shell:
        "python -m lacuna.stages.segment"
        " --family {params.family}"
        " --checkpoint {params.checkpoint:q}"
        " --images {params.images}"
        " --settings {params.settings:q}"
        " --batch-size {params.batch_size}"
        " --first {params.first}"
        " --last {params.last}"
        " --device auto"
        " --threads {threads}"
        " --code {params.code}"
        " --table {output.table}"
        " > {log} 2>&1"
