# Regions of two sources in; whether each class looks like itself, how many regions it has, and pictures of some out.
rule appearance_pair:
    input:
        region_shards,
    output:
        tsv=report(
            "results/appearance/{segmenter}/{real}~{generated}.tsv",
            caption="../captions/appearance.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "appearance"},
        ),
        numbers="results/appearance/{segmenter}/{real}~{generated}.numbers.tsv",
        summary="results/appearance/{segmenter}/{real}~{generated}.json",
        pictures="results/appearance/{segmenter}/{real}~{generated}.h5",
        gallery=report(
            directory("results/appearance/{segmenter}/{real}~{generated}"),
            patterns=["{name}.png"],
            caption="../captions/appearance.rst",
            category="Distribution",
            labels={"real": "{real}", "generated": "{generated}", "segmenter": "{segmenter}", "what": "{name}"},
        ),
    log:
        "results/logs/appearance/{segmenter}/{real}~{generated}.log",
    benchmark:
        "results/benchmarks/appearance/{segmenter}/{real}~{generated}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        job=job("appearance"),
    shell:
        "python -m lacuna.stages.appearance --job {params.job:q} --tsv {output.tsv} --numbers {output.numbers}"
        " --summary {output.summary} --pictures {output.pictures} --gallery {output.gallery} > {log} 2>&1"
