# Labelled images of two sources in, accuracy of the classifier per class and resolution out.
rule discriminate_pair:
    input:
        real=pair_shards("real"),
        generated=pair_shards("generated"),
        checkpoint=pair_classifier,
    output:
        tsv=report(
            "results/discriminate/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "recognition"},
        ),
        summary="results/discriminate/{generated}~{real}.json",
    log:
        "results/logs/discriminate/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/discriminate/{generated}~{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("discriminate"),
    shell:
        "python -m lacuna.stages.discriminate --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
