# Class areas with and without each object in, error rates of the verdicts out; the required rates also on the terminal.
rule calibrate_segmenter:
    input:
        lambda wildcards: targets.planted_shards(CONFIG, wildcards.segmenter),
    output:
        tsv=report(
            "results/calibrate/{segmenter}.tsv",
            caption="../captions/calibrate.rst",
            category="Calibration",
            labels={"segmenter": "{segmenter}"},
        ),
        summary="results/calibrate/{segmenter}.json",
    log:
        "results/logs/calibrate/{segmenter}.log",
    benchmark:
        "results/benchmarks/calibrate/{segmenter}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("calibrate"),
    shell:
        "python -m lacuna.stages.calibrate --job {params.job:q} --tsv {output.tsv} --summary {output.summary} 2> {log}"
