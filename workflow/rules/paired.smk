# Tables of photos and of samples drawn from their captions in, presence pair by pair out.
rule paired_pair:
    input:
        tables=sides("real", "generated"),
        prompts=paired_prompts,
    output:
        tsv=report(
            "results/paired/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/paired.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "pairs"},
        ),
        summary="results/paired/{segmenter}/{real}~{generated}.json",
    log:
        "results/logs/paired/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/paired/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("paired"),
    shell:
        "python -m lacuna.stages.paired --job {params.job:q} --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
