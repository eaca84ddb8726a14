# Moments and tables of a real and two generated sources in; which of these is nearer, and which classes differ, out.
rule contrast_pair:
    input:
        moments=[f"results/moments/{{segmenter}}/{{{side}}}.h5" for side in ("real", "a", "b")],
        tables=sides("real", "a", "b"),
    output:
        summary=report(
            "results/contrast/{segmenter}/{real}~{a}~{b}.json",
            caption="../captions/contrast.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{a}, {b}", "segmenter": "{segmenter}", "what": "contrast"},
        ),
        tsv="results/contrast/{segmenter}/{real}~{a}~{b}.tsv",
    log:
        "results/logs/contrast/{segmenter}/{real}~{a}~{b}.log",
    benchmark:
        "results/benchmarks/contrast/{segmenter}/{real}~{a}~{b}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        job=job("contrast"),
    shell:
        "python -m lacuna.stages.contrast --job {params.job:q}"
        " --summary {output.summary} --tsv {output.tsv} > {log} 2>&1"
