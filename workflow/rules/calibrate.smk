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
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        tables=lambda wildcards: f"results/plant/{wildcards.segmenter}/{CONFIG.calibrate.source}",
        num_scenes=lambda wildcards: source_count(CONFIG.calibrate.source),
        shard_size=CONFIG.shard_size.images,
        settings=settings("calibrate"),
        verdicts=settings("fsd"),
        seed=CONFIG.seed,
        code=source_digest("lacuna.stages.calibrate"),
    shell:
        "python -m lacuna.stages.calibrate"
        " --tables {params.tables}"
        " --count {params.num_scenes}"
        " --shard-size {params.shard_size}"
        " --settings {params.settings:q}"
        " --verdicts {params.verdicts:q}"
        " --seed {params.seed}"
        " --code {params.code}"
        " --tsv {output.tsv}"
        " --summary {output.summary}"
        " 2> {log}"
