# Moments and tables of two sources in, their distance and a verdict per class out.
rule fsd_pair:
    input:
        moments=["results/moments/{segmenter}/{real}.h5", "results/moments/{segmenter}/{generated}.h5"],
        tables=sides("real", "generated"),
    output:
        summary=report(
            "results/fsd/{segmenter}/{real}~{generated}.json",
            caption="../captions/fsd.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "distance"},
        ),
        tsv=report(
            "results/fsd/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/fsd.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "classes"},
        ),
    log:
        "results/logs/fsd/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/fsd/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("fsd"),
    shell:
        "python -m lacuna.stages.fsd --job {params.job:q} --summary {output.summary} --tsv {output.tsv} > {log} 2>&1"
