# Images in; class-area table, and what is kept of regions, out.
rule segment_shard:
    input:
        images=shard_images,
        weights=segmenter_files,
    output:
        table="results/segment/{segmenter}/{source}/{shard}.h5",
        regions="results/segment/{segmenter}/{source}/{shard}.regions.h5",
    log:
        "results/logs/segment/{segmenter}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/segment/{segmenter}/{source}/{shard}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        job=job("segment"),
        listing=shard_listing,
    shell:
        "python -m lacuna.stages.segment --job {params.job:q} --threads {threads}"
        " --table {output.table} --regions {output.regions} > {log} 2>&1"
