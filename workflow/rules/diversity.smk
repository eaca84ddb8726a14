# Labelled images of two sources and their accuracies in, similarity within each class out.
rule diversity_pair:
    input:
        real=pair_shards("real"),
        generated=pair_shards("generated"),
        accuracies="results/discriminate/{generated}~{real}.tsv",
    output:
        tsv=report(
            "results/diversity/{generated}~{real}.tsv",
            caption="../captions/classes.rst",
            category="Classes",
            labels={"real": "{real}", "generated": "{generated}", "what": "diversity"},
        ),
        summary="results/diversity/{generated}~{real}.json",
    log:
        "results/logs/diversity/{generated}~{real}.log",
    benchmark:
        "results/benchmarks/diversity/{generated}~{real}.tsv"
    conda:
        "../../envs/lacuna.yaml"
    resources:
        gpu=1,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=job("diversity"),
    shell:
        "python -m lacuna.stages.diversity --job {params.job:q} --threads {threads}"
        " --tsv {output.tsv} --summary {output.summary} > {log} 2>&1"
