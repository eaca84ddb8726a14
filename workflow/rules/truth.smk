# Scenes with their exact labels, and class areas of them and of what is compared with them in; true rates out.
rule truth_source:
    input:
        scenes=lambda wildcards: targets.image_shards(CONFIG, wildcards.real, "world"),
        tables=true_tables,
    output:
        tsv="results/truth/{segmenter}/{real}.tsv",
        summary="results/truth/{segmenter}/{real}.json",
    log:
        "results/logs/truth/{segmenter}/{real}.log",
    benchmark:
        "results/benchmarks/truth/{segmenter}/{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("truth"),
    shell:
        "python -m lacuna.stages.truth --job {params.job:q} --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
