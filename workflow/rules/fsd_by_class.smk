# Class-area tables and labels of two sources in, distance and a verdict per object within each class out.
rule fsd_by_class_pair:
    input:
        tables=sides("real", "generated"),
        real=lambda wildcards: targets.image_shards(CONFIG, wildcards.real),
        generated=lambda wildcards: targets.image_shards(CONFIG, wildcards.generated),
    output:
        tsv=report(
            "results/fsd_by_class/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "distance within each class"},
        ),
        summary="results/fsd_by_class/{segmenter}/{real}~{generated}.json",
    log:
        "results/logs/fsd_by_class/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/fsd_by_class/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("fsd_by_class"),
    shell:
        "python -m lacuna.stages.fsd_by_class --job {params.job:q}"
        " --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
