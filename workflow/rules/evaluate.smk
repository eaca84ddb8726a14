# Inversions in, how well each method inverts out.
rule evaluate_source:
    input:
        inversions=inversions_of,
        images=inverted_images,
        generator=generator_files,
        perceptual=perceptual_files,
        segmenter=inversion_segmenter_files,
    output:
        tsv=report(
            "results/evaluate/{generator}/{source}.tsv",
            caption="../captions/evaluate.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "accuracy"},
        ),
        figure=report(
            "results/evaluate/{generator}/{source}.svg",
            caption="../captions/evaluate.rst",
            category="Instances",
            labels={"generator": "{generator}", "source": "{source}", "what": "methods"},
        ),
    log:
        "results/logs/evaluate/{generator}/{source}.log",
    benchmark:
        "results/benchmarks/evaluate/{generator}/{source}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("evaluate"),
    shell:
        "python -m lacuna.stages.evaluate --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --figure {output.figure} > {log} 2>&1"
