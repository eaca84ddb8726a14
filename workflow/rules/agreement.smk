# Images and two segmenters in, how alike they label them out.
rule agreement_labels:
    input:
        images=agreement_images,
        weights=lambda wildcards: files_of_segmenter(wildcards.segmenter) + files_of_segmenter(wildcards.second),
    output:
        summary="results/agreement/{segmenter}~{second}/labels/{source}.json",
    log:
        "results/logs/agreement/{segmenter}~{second}/labels/{source}.log",
    benchmark:
        "results/benchmarks/agreement/{segmenter}~{second}/labels/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        job=job("agreement_labels"),
    shell:
        "python -m lacuna.stages.agreement_labels --job {params.job:q} --threads {threads}"
        " --summary {output.summary} > {log} 2>&1"


# Verdicts of two segmenters in, what both and what only one of them says out.
rule agreement_pair:
    input:
        verdicts=["results/fsd/{segmenter}/{real}~{generated}.tsv", "results/fsd/{second}/{real}~{generated}.tsv"],
        labels=[
            "results/agreement/{segmenter}~{second}/labels/{real}.json",
            "results/agreement/{segmenter}~{second}/labels/{generated}.json",
        ],
    output:
        tsv="results/agreement/{segmenter}~{second}/{real}~{generated}.tsv",
        summary="results/agreement/{segmenter}~{second}/{real}~{generated}.json",
    log:
        "results/logs/agreement/{segmenter}~{second}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/agreement/{segmenter}~{second}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        job=job("agreement"),
    shell:
        "python -m lacuna.stages.agreement --job {params.job:q} --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
